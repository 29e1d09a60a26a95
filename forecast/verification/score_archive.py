"""The score archive: every sum of every cycle, append-only, from which any scorecard is computed without the fields.

An archive is a directory. Each cycle of each forecaster is one immutable file, `<init time>/<forecaster>.npz`, that
appears whole or not at all: it is written under a temporary name, flushed to the disk, and linked to its own name,
which the file system does for one writer only. So writers need no lock, a killed one leaves nothing but a temporary
file, and a cycle that is there already is never doubled. Each array in a file carries a CRC-32.
"""

import os
import re
import uuid
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from data_catalog.errors import InvalidDataError
from forecast.verification.checks import UnscorableError, paired
from forecast.verification.evaluation import MEANS, lead_pieces, point_values
from forecast.verification.fused import ensemble_statistics
from forecast.verification.ranks import block_histogram
from forecast.verification.weighting import check_weights

AXES = ("channel", "lead_time", "region", "statistic")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def cycle_sums(forecast: xr.Dataset, analysis: xr.Dataset, weights: xr.DataArray) -> xr.DataArray:
    """All sums of one cycle.

    Args:
        forecast: Dims (member, lead_time, latitude, longitude), any order.
        analysis: The same channels at the valid times, dims (lead_time, latitude, longitude).
        weights: Along `region`, latitude and longitude, from `regions.region_weights`.

    Returns:
        Float64 over `AXES`. Statistics are `weight`; weight x value for each of `crps` (fair), `squares` and `absolute`
        (of the error of the ensemble mean), `bias`, `variance`, `inflated` (variance times (M + 1) / M); and weight of
        each `rank_000` ... A fair CRPS that is not defined is NaN.

    Raises:
        UnscorableError: The two do not fit together, or a value is missing.
    """
    channels = [_channel_sums(str(name), forecast[name], analysis, weights) for name in forecast.data_vars]
    return xr.concat(channels, xr.DataArray([str(name) for name in forecast.data_vars], dims="channel", name="channel"))


def append_cycle(archive: Path, forecaster: str, init_time: np.datetime64, sums: xr.DataArray) -> bool:
    """Add one cycle, safely beside other writers.

    Args:
        archive: Directory; made where it is absent.
        forecaster: Who made the forecast: a system, a model version, a baseline.
        init_time: Of the cycle.
        sums: From `cycle_sums`.

    Returns:
        True if it was added, False if the same sums were there already.

    Raises:
        InvalidDataError: Other sums of that cycle are there, or the file cannot be written.
    """
    if not NAME.fullmatch(forecaster):
        raise UnscorableError(f"forecaster: expected letters, digits, '.', '_' and '-', found '{forecaster}'")
    path = archive / _cycle_name(init_time) / f"{forecaster}.npz"
    temporary = path.with_name(f".{forecaster}.{uuid.uuid4().hex}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            _write(temporary, sums.transpose(*AXES))
            with suppress(FileExistsError):
                path.hardlink_to(temporary)
                _flush(path.parent)
                return True
        if not _read(path).identical(_bare(sums)):
            raise InvalidDataError(f"{path}: expected the same scores as before, found others")
        return False
    except OSError as error:
        raise InvalidDataError(f"{path}: expected to write scores, found {error.strerror}") from None
    finally:
        temporary.unlink(missing_ok=True)


def open_score_archive(
    archive: Path, *, start: np.datetime64 | None = None, end: np.datetime64 | None = None
) -> xr.Dataset:
    """All sums of an archive.

    Args:
        archive: Directory.
        start: First init time wanted.
        end: Last init time wanted.

    Returns:
        Variable `sums` over (init_time, forecaster, *`AXES`); NaN where a cycle holds none. Sum it over any dimension
        and hand it to `scores_of`.

    Raises:
        InvalidDataError: There is no archive, or a file is damaged; names the file.
    """
    files: dict[tuple[np.datetime64, str], xr.DataArray] = {}
    for path in sorted(archive.glob("[!.]*/[!.]*.npz")):
        init_time = _parse_cycle(path.parent.name)
        if (start is None or init_time >= start) and (end is None or init_time <= end):
            files[init_time, path.stem] = _read(path)
    if not files:
        raise InvalidDataError(f"score archive {archive}: expected cycles, found none")
    return _stacked(files).to_dataset(name="sums")


def _stacked(files: dict[tuple[np.datetime64, str], xr.DataArray]) -> xr.DataArray:
    """All files in one array, on the union of their axes; labels in the order in which they first appear."""
    labels: dict[str, dict[Any, int]] = {name: {} for name in ("init_time", "forecaster", *AXES)}
    places = []
    for (init_time, forecaster), sums in files.items():
        own = [[init_time], [forecaster], *(sums[name].values.tolist() for name in AXES)]
        for known, names in zip(labels.values(), own, strict=True):
            for name in names:
                known.setdefault(name, len(known))
        places.append(np.ix_(*([known[n] for n in names] for known, names in zip(labels.values(), own, strict=True))))
    stacked = np.full([len(known) for known in labels.values()], np.nan)
    for place, sums in zip(places, files.values(), strict=True):
        stacked[place] = sums.values
    coords: dict[str, Any] = {name: list(known) for name, known in labels.items()}
    coords["init_time"] = np.array(coords["init_time"], "datetime64[ns]")
    coords["lead_time"] = np.array(coords["lead_time"], "timedelta64[ns]")
    return xr.DataArray(stacked, dims=list(labels), coords=coords).sortby(["lead_time", "init_time"])


def score_table(archive: Path) -> pd.DataFrame:
    """The archive as a table, one row an entry.

    Args:
        archive: Directory.

    Returns:
        Columns init_time, forecaster, channel, lead_time, region, statistic, sum, weight.
    """
    sums = open_score_archive(archive)["sums"]
    weight = sums.sel(statistic="weight", drop=True).broadcast_like(sums)
    frame = xr.Dataset({"sum": sums, "weight": weight}).to_dataframe().dropna(subset=["sum"]).reset_index()
    return frame[frame["statistic"] != "weight"].reset_index(drop=True)


def scores_of(sums: xr.DataArray) -> xr.Dataset:
    """Scores from sums, of one cycle or added over cycles, regions or lead times.

    Args:
        sums: Along `statistic`; see `cycle_sums`.

    Returns:
        `crps` (fair), `rmse`, `mae`, `bias`, `spread`, `spread_skill`, and `rank_histogram` along `rank`.
    """
    weight = sums.sel(statistic="weight", drop=True)
    means = {name: sums.sel(statistic=name, drop=True) / weight.where(weight > 0) for name in MEANS}
    rmse = means["squares"] ** 0.5
    ranks = sums.sel(statistic=[name for name in sums["statistic"].values.tolist() if name.startswith("rank_")])
    shares = ranks.rename(statistic="rank").assign_coords(rank=np.arange(ranks.sizes["statistic"]))
    return xr.Dataset(
        {
            "crps": means["crps"],
            "rmse": rmse,
            "mae": means["absolute"],
            "bias": means["bias"],
            "spread": means["variance"] ** 0.5,
            "spread_skill": means["inflated"] ** 0.5 / rmse.where(rmse > 0),
            "rank_histogram": shares / weight.where(weight > 0),
        }
    )


def _channel_sums(name: str, forecast: xr.DataArray, analysis: xr.Dataset, weights: xr.DataArray) -> xr.DataArray:
    if name not in analysis:
        raise UnscorableError(f"{name}: expected it in the analysis, found {sorted(map(str, analysis.data_vars))}")
    paired(forecast, analysis[name], "member")
    pieces = [
        _piece_sums(name, forecast.isel(piece), analysis[name].isel(piece), weights) for piece in lead_pieces(forecast)
    ]
    return xr.concat(pieces, "lead_time") if len(pieces) > 1 else pieces[0]


def _piece_sums(name: str, forecast: xr.DataArray, analysis: xr.DataArray, weights: xr.DataArray) -> xr.DataArray:
    statistics = ensemble_statistics(forecast, analysis).compute().transpose("lead_time", "latitude", "longitude")
    fields = {str(key): np.asarray(field.values) for key, field in statistics.items()}
    missing = int(np.isnan(fields["error"]).sum())
    if missing:
        raise UnscorableError(f"{name}: expected all values, found {missing} of {fields['error'].size} points missing")
    check_weights(weights.isel(region=0, drop=True), statistics["error"])
    shares = weights.transpose("region", "latitude", "longitude").values.astype(np.float64)
    means = np.einsum("mkyx,ryx->krm", point_values(fields), shares)
    members, shape = forecast.sizes["member"], fields["error"].shape
    ranks = [
        block_histogram(fields["below"], fields["equal"], np.broadcast_to(share, shape), (1, 2), members)[:, 0, 0]
        for share in shares
    ]
    total = np.broadcast_to(shares.sum(axis=(1, 2))[:, None], (shape[0], len(shares), 1))
    names = ["weight", *MEANS, *(f"rank_{rank:03d}" for rank in range(members + 1))]
    return xr.DataArray(
        np.concatenate([total, means, np.stack(ranks, axis=1)], axis=-1),
        dims=AXES[1:],
        coords={
            "lead_time": statistics["lead_time"].values.astype("timedelta64[ns]"),
            "region": weights["region"].values,
            "statistic": names,
        },
    )


def _write(path: Path, sums: xr.DataArray) -> None:
    with path.open("xb") as stream:
        np.savez_compressed(
            stream,
            allow_pickle=False,
            sums=sums.values,
            channel=np.array(sums["channel"].values.tolist()),
            lead_time=sums["lead_time"].values.astype("timedelta64[s]").astype(np.int64),
            region=np.array(sums["region"].values.tolist()),
            statistic=np.array(sums["statistic"].values.tolist()),
        )
        stream.flush()
        os.fsync(stream.fileno())


def _read(path: Path) -> xr.DataArray:
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
            leads = stored["lead_time"].astype("timedelta64[s]").astype("timedelta64[ns]")
            coords = {name: stored[name] for name in AXES if name != "lead_time"}
            return _bare(xr.DataArray(stored["sums"], dims=AXES, coords={**coords, "lead_time": leads}))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise InvalidDataError(f"{path}: expected scores of a cycle, found {str(error).splitlines()[0]}") from None


def _bare(sums: xr.DataArray) -> xr.DataArray:
    """Sums with their axes and nothing else, in one spelling."""
    ordered = sums.transpose(*AXES)
    coords = {name: ordered[name].values for name in AXES}
    texts = {name: np.array(values.tolist(), dtype=object) for name, values in coords.items() if name != "lead_time"}
    return xr.DataArray(ordered.values, dims=AXES, coords={**coords, **texts})


def _flush(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _cycle_name(init_time: np.datetime64) -> str:
    return str(np.datetime_as_string(init_time, unit="m")).replace("-", "").replace(":", "") + "Z"


def _parse_cycle(name: str) -> np.datetime64:
    if not re.fullmatch(r"\d{8}T\d{4}Z", name):
        raise InvalidDataError(f"score archive: expected a cycle such as 20080101T0000Z, found '{name}'")
    text = f"{name[:4]}-{name[4:6]}-{name[6:8]}T{name[9:11]}:{name[11:13]}"
    parsed: NDArray[np.datetime64] = np.array(text, "datetime64[ns]")
    return cast(np.datetime64, parsed[()])
