"""The score archive: sums of every cycle, append-only, from which any scorecard is computed without the fields.

An archive is a directory. A cycle of a forecaster is an immutable file, `<init time>/<forecaster>.npz`, which is whole
or not there at all: it is written under a temporary name, flushed to the disk, and linked to its own name, which the
file system does for one writer only. So writers need no lock, a killed one leaves nothing but a temporary file, and no
cycle is ever there twice. Channels, lead times and regions that are scored later come in a further file,
`<forecaster>+2.npz`. Each array in a file carries a CRC-32.
"""

from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from data_catalog.errors import InvalidDataError
from data_catalog.storage.atomic_files import create_durably
from forecast.system.cycles import cycle_name
from forecast.verification.archive.files import NAME, About, Block, all_files, files_of, next_name, read_block
from forecast.verification.checks import UnscorableError
from forecast.verification.evaluation import AXES, TOTALS

AGREEMENT = 1e-3
"""Share of the mean absolute error by which scores of the same forecast may differ: members that are made on two
machines agree to 1e-4 of a standard deviation, which changes scores by less."""


_WAY_OUT = "keep the new ones under another name (--forecaster) or in another score archive (--scores)"


@dataclass(frozen=True)
class ArchivedForecaster:
    """What an archive holds of one forecaster.

    Attributes:
        name: Name in the archive.
        init_times: Starts of its cycles, increasing.
        about: Facts of its latest cycle, such as the model and the number of members.
    """

    name: str
    init_times: NDArray[np.datetime64]
    about: About


def append_cycle(
    archive: Path,
    forecaster: str,
    init_time: np.datetime64,
    sums: xr.DataArray,
    about: Mapping[str, str] | None = None,
) -> bool:
    """Add one cycle, safely beside other writers.

    Args:
        archive: Directory of the archive; made where it is missing.
        forecaster: Name of who made the forecast: a system, a version of a model, a baseline. Letters, digits, `.`,
            `_`, `@` and `-`.
        init_time: Start of the cycle.
        sums: Sums from `cycle_sums`.
        about: Facts by name, such as the model or the analysis, that must not differ from those that the same cycle was
            archived with.

    Returns:
        True if something was added, False if all of it was there already. What was there first stays.

    Raises:
        UnscorableError: The name has other characters.
        InvalidDataError: What is there is about something else or holds other scores (they may differ by a thousandth
            of the mean absolute error, as those of members that are made on two machines do).
        ConfigurationError: The file cannot be written.
    """
    directory = _directory(archive, forecaster, init_time)
    block = Block.of(sums, about or {})
    while True:
        there = files_of(directory, forecaster)
        if _is_known(block, _read(there)):
            return False
        with suppress(FileExistsError):
            create_durably(next_name(directory, forecaster, there), block.encoded())
            return True


def check_cycle(
    archive: Path,
    forecaster: str,
    init_time: np.datetime64,
    sums: xr.DataArray,
    about: Mapping[str, str] | None = None,
    *,
    beside: Sequence[tuple[xr.DataArray, Mapping[str, str]]] = (),
) -> None:
    """Check that `append_cycle` would take one cycle, and write nothing.

    Args:
        archive: Directory of the archive.
        forecaster: Name in the archive.
        init_time: Start of the cycle.
        sums: Sums from `cycle_sums`.
        about: Facts by name of what was scored.
        beside: Sums and facts of the same cycle that are to be added before it.

    Raises:
        UnscorableError: The name has other characters than an archive takes.
        InvalidDataError: What is there, or is to be added before, is about something else or holds other scores.
    """
    directory = _directory(archive, forecaster, init_time)
    there = files_of(directory, forecaster)
    planned = [(next_name(directory, forecaster, there), Block.of(*each)) for each in beside]
    _is_known(Block.of(sums, about or {}), [*_read(there), *planned])


def read_cycle(
    archive: Path, forecaster: str, init_time: np.datetime64, about: Mapping[str, str] | None = None
) -> xr.DataArray | None:
    """Read the sums of one cycle.

    Args:
        archive: Directory of the archive.
        forecaster: Name in the archive.
        init_time: Start of the cycle.
        about: Facts by name that must not differ from those that the cycle was archived with.

    Returns:
        Sums over channel, lead_time, region and statistic; None where the archive has none.

    Raises:
        InvalidDataError: A file is damaged, or about something else; the message names it.
    """
    files = files_of(archive / cycle_name(init_time), forecaster)
    blocks = {(init_time, forecaster, index): read_block(path) for index, path in enumerate(files)}
    for path, block in zip(files, blocks.values(), strict=True):
        _check_about(about or {}, block.about, path)
    return _stacked(blocks).isel(init_time=0, forecaster=0, drop=True) if blocks else None


def open_score_archive(
    archive: Path,
    *,
    start: np.datetime64 | None = None,
    end: np.datetime64 | None = None,
    forecasters: Collection[str] | None = None,
    ranks: bool = True,
) -> xr.Dataset:
    """Read the sums of an archive, to add over any dimension and turn into scores with `scores_of`.

    Args:
        archive: Directory of the archive.
        start: First init time wanted; the first there is when None.
        end: Last init time wanted; the last there is when None.
        forecasters: Names of the forecasters wanted; all when None.
        ranks: True takes the weights of the ranks too, which are most of an archive.

    Returns:
        Variable `sums` over init_time, forecaster, channel, lead_time, region and statistic; NaN where a cycle has
        none. Add them with `sums.sum("init_time", min_count=1)`, which leaves NaN what no cycle has; without
        `min_count` it would be 0, and with `skipna=False` one cycle without an entry would spoil it.

    Raises:
        InvalidDataError: There is no archive, or a file is damaged; the message names it.
    """
    blocks: dict[tuple[np.datetime64, str, int], Block] = {}
    for index, (init_time, forecaster, path) in enumerate(all_files(archive)):
        wanted = (start is None or init_time >= start) and (end is None or init_time <= end)
        if wanted and (forecasters is None or forecaster in forecasters):
            block = read_block(path)
            blocks[init_time, forecaster, index] = block if ranks else _without_ranks(block)
    if not blocks:
        raise InvalidDataError(f"score archive {archive}: expected cycles, found none")
    return _stacked(blocks).to_dataset(name="sums")


def score_table(archive: Path) -> pd.DataFrame:
    """Read the sums of an archive as a table with a row for each of them.

    Args:
        archive: Directory of the archive.

    Returns:
        Columns init_time, forecaster, channel, lead_time, region, statistic, sum, weight. A mean is sum / weight.

    Raises:
        InvalidDataError: There is no archive, or a file is damaged; the message names it.
    """
    sums = open_score_archive(archive)["sums"]
    weight = sums.sel(statistic="weight", drop=True).broadcast_like(sums)
    frame = xr.Dataset({"sum": sums, "weight": weight}).to_dataframe().dropna(subset=["sum"]).reset_index()
    return frame[frame["statistic"] != "weight"].reset_index(drop=True)


def archived_forecasters(archive: Path) -> list[ArchivedForecaster]:
    """Return the forecasters of an archive in the order of their names, from one file of each.

    Args:
        archive: Directory of the archive.

    Raises:
        InvalidDataError: There is no archive, or a file is damaged.
    """
    found: dict[str, list[tuple[np.datetime64, Path]]] = {}
    for init_time, forecaster, path in all_files(archive):
        found.setdefault(forecaster, []).append((init_time, path))
    if not found:
        raise InvalidDataError(f"score archive {archive}: expected cycles, found none")
    return [
        ArchivedForecaster(name, np.unique(np.array([time for time, _ in entries])), read_block(max(entries)[1]).about)
        for name, entries in sorted(found.items())
    ]


def _directory(archive: Path, forecaster: str, init_time: np.datetime64) -> Path:
    """Directory of a cycle; refuse a name that no file of it can have."""
    if not NAME.fullmatch(forecaster):
        raise UnscorableError(f"forecaster: expected letters, digits, '.', '_', '@' and '-', found '{forecaster}'")
    return archive / cycle_name(init_time)


def _read(files: Iterable[Path]) -> list[tuple[Path, Block]]:
    return [(path, read_block(path)) for path in files]


def _is_known(block: Block, others: Iterable[tuple[Path, Block]]) -> bool:
    """Whether others, by their files, hold all of a block already; refuse a block that contradicts them."""
    unknown = np.ones(block.values.shape[:3], dtype=bool)
    for path, stored in others:
        _check_about(block.about, stored.about, path)
        axes = zip(block.labels[:3], stored.labels[:3], strict=True)
        shared = [[label for label in own if label in theirs] for own, theirs in axes]
        if all(shared):
            _check_same(block, stored, shared, path)
            own = zip(block.labels, shared, strict=False)
            unknown[np.ix_(*([label in chosen for label in labels] for labels, chosen in own))] = False
    return not unknown.any()


def _check_about(new: Mapping[str, str], old: Mapping[str, str], path: Path) -> None:
    for key in sorted(new.keys() & old.keys()):
        if new[key] != old[key]:
            raise InvalidDataError(
                f"{path}: expected scores of {key} {old[key]} as before, found {new[key]}; {_WAY_OUT}"
            )


def _check_same(new: Block, old: Block, shared: Sequence[Sequence[Hashable]], path: Path) -> None:
    members = [len(block.labels[3]) - len(TOTALS) - 1 for block in (old, new)]
    if members[0] != members[1]:
        raise InvalidDataError(f"{path}: expected scores of {members[0]} members as before, found {members[1]}")
    ours, theirs = (block.selected([*shared, TOTALS]) for block in (new, old))
    scale = np.abs(theirs)
    for name in ("crps", "bias"):
        scale[..., TOTALS.index(name)] = scale[..., TOTALS.index("absolute")]
    both_undefined = np.isnan(ours) & np.isnan(theirs)
    differs = np.argwhere(~(both_undefined | (np.abs(ours - theirs) <= AGREEMENT * scale)))
    if differs.size:
        axes = zip([*shared, TOTALS], differs[0].tolist(), strict=True)
        channel, seconds, region, statistic = (labels[index] for labels, index in axes)
        hours = float(str(seconds)) / 3600
        raise InvalidDataError(
            f"{path}: expected the same scores as before, found others, first in {statistic} of {channel} at "
            f"{hours:g} h, {region}; {_WAY_OUT}"
        )


def _without_ranks(block: Block) -> Block:
    labels = (*block.labels[:3], TOTALS)
    return Block(block.selected(labels), labels, block.about)


def _stacked(blocks: Mapping[tuple[np.datetime64, str, int], Block]) -> xr.DataArray:
    """Put all blocks into one array on the union of their axes; labels stand in the order of their first appearance."""
    labels: dict[str, dict[Any, int]] = {name: {} for name in ("init_time", "forecaster", *AXES)}
    places = []
    for (init_time, forecaster, _), block in blocks.items():
        own = [(init_time,), (forecaster,), *block.labels]
        for known, names in zip(labels.values(), own, strict=True):
            for name in names:
                known.setdefault(name, len(known))
        places.append(np.ix_(*([known[n] for n in names] for known, names in zip(labels.values(), own, strict=True))))
    stacked = np.full([len(known) for known in labels.values()], np.nan)
    # The block that was first has the last word where two hold the same entry.
    for place, block in reversed(list(zip(places, blocks.values(), strict=True))):
        stacked[place] = block.values
    coords: dict[str, Any] = {name: list(known) for name, known in labels.items()}
    coords["init_time"] = np.array(coords["init_time"], "datetime64[ns]")
    coords["lead_time"] = np.array(coords["lead_time"], "timedelta64[s]").astype("timedelta64[ns]")
    return xr.DataArray(stacked, dims=list(labels), coords=coords).sortby(["lead_time", "init_time"])
