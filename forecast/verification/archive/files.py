"""Files of a score archive: each is a block of sums, `<init time>/<forecaster>.npz` or `<forecaster>+2.npz`, ..."""

import io
import json
import re
import zipfile
import zlib
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from pydantic_core import from_json

from data_catalog.errors import InvalidDataError
from forecast.system.cycles import CYCLE_NAME, parse_cycle_name
from forecast.verification.evaluation import AXES

About = dict[str, str]
"""Facts by name of what was scored, such as the model, the number of members, the analysis."""
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]*")
FILE = re.compile(rf"({NAME.pattern})(?:\+([1-9][0-9]*))?\.npz")


@dataclass(frozen=True)
class Block:
    """Sums of one file, as plain arrays since thousands of files are read at a time.

    Attributes:
        values: Sums over channel, lead time, region and statistic.
        labels: Labels along each of these axes; lead times in seconds.
        about: Facts of what was scored, by name.
    """

    values: NDArray[np.float64]
    labels: tuple[tuple[Hashable, ...], ...]
    about: About

    @classmethod
    def of(cls, sums: xr.DataArray, about: Mapping[str, str]) -> Self:
        """Make a block of the sums of one cycle.

        Args:
            sums: Sums from `cycle_sums`.
            about: Facts of what was scored, by name.
        """
        ordered = sums.transpose(*AXES)
        seconds = ordered.assign_coords(lead_time=ordered["lead_time"].values.astype("timedelta64[s]").astype(np.int64))
        labels = tuple(tuple(seconds[name].values.tolist()) for name in AXES)
        return cls(ordered.values.astype(np.float64), labels, dict(about))

    def selected(self, labels: Sequence[Sequence[Hashable]]) -> NDArray[np.float64]:
        """Return the sums at some labels.

        Args:
            labels: Labels wanted along each axis, all of which the block has.
        """
        places = [[own.index(label) for label in chosen] for own, chosen in zip(self.labels, labels, strict=True)]
        return self.values[np.ix_(*places)]

    def encoded(self) -> bytes:
        """Return the content of the block's file."""
        names = {name: np.array(labels) for name, labels in zip(AXES, self.labels, strict=True)}
        about = np.array(json.dumps(self.about, sort_keys=True))
        stream = io.BytesIO()
        np.savez_compressed(stream, allow_pickle=False, sums=self.values, about=about, **names)
        return stream.getvalue()


def read_block(path: Path) -> Block:
    """Read the block of a file.

    Args:
        path: File of a score archive.

    Raises:
        InvalidDataError: The file is damaged, or something else.
    """
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
            labels = tuple(tuple(stored[name].tolist()) for name in AXES)
            values, about = stored["sums"], from_json(str(stored["about"])) if "about" in stored else {}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise InvalidDataError(f"{path}: expected scores of a cycle, found {str(error).splitlines()[0]}") from None
    if values.shape != tuple(len(names) for names in labels):
        raise InvalidDataError(f"{path}: expected scores of a cycle, found {values.shape} values for other axes")
    return Block(values, labels, about)


def all_files(archive: Path) -> Iterator[tuple[np.datetime64, str, Path]]:
    """Yield every file of an archive with its init time and forecaster, in the order of time, name and part.

    Args:
        archive: Directory of the archive.

    Raises:
        InvalidDataError: A directory or file has a name that none of an archive has.
    """
    for directory in sorted(path for path in archive.glob("[!.]*") if path.is_dir()):
        if CYCLE_NAME.fullmatch(directory.name) is None:
            raise InvalidDataError(
                f"score archive {archive}: expected a cycle such as 20080101T0000Z, found '{directory.name}'"
            )
        init_time = parse_cycle_name(directory.name)
        for path in sorted(directory.glob("[!.]*.npz"), key=_order):
            match = FILE.fullmatch(path.name)
            if match is None:
                raise InvalidDataError(f"{path}: expected a name such as plumecast.npz, found another")
            yield init_time, match[1], path


def files_of(directory: Path, forecaster: str) -> list[Path]:
    """Return the files of a forecaster in the directory of a cycle, the first part first.

    Args:
        directory: Directory of the cycle.
        forecaster: Name in the archive.
    """
    return sorted((path for path in directory.glob("[!.]*.npz") if _order(path)[0] == forecaster), key=_order)


def next_name(directory: Path, forecaster: str, there: list[Path]) -> Path:
    """Return the path of a forecaster's next file.

    Args:
        directory: Directory of the cycle.
        forecaster: Name in the archive.
        there: Files that there are already, the first part first.
    """
    return directory / (f"{forecaster}+{_order(there[-1])[1] + 1}.npz" if there else f"{forecaster}.npz")


def _order(path: Path) -> tuple[str, int]:
    match = FILE.fullmatch(path.name)
    return (match[1], int(match[2] or 1)) if match else (path.stem, 0)
