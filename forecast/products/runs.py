"""Where the files of one cycle lie, and what they are called."""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data_catalog.errors import InvalidDataError

CYCLE_NAME = re.compile(r"(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})Z")


def cycle_name(init_time: np.datetime64) -> str:
    """Name of a cycle's directory, such as `20080115T0000Z`."""
    minute = np.datetime_as_string(init_time, unit="m")
    return f"{minute.replace('-', '').replace(':', '')}Z"


def parse_cycle_name(name: str) -> np.datetime64:
    """Initial time that a cycle's directory is named for.

    Raises:
        InvalidDataError: The name is not of the form YYYYMMDDTHHMMZ.
    """
    match = CYCLE_NAME.fullmatch(name)
    if match is None:
        raise InvalidDataError(f"run directory {name!r}: expected a name like 20080115T0000Z")
    year, month, day, hour, minute = match.groups()
    try:
        return np.datetime64(f"{year}-{month}-{day}T{hour}:{minute}", "ns")
    except ValueError as error:
        raise InvalidDataError(f"run directory {name!r}: not a time ({error})") from error


@dataclass(frozen=True)
class RunDirectory:
    """The directory that holds everything one cycle made: `root/<system>/<YYYYMMDDTHHMMZ>/`."""

    root: Path
    system_name: str
    init_time: np.datetime64

    @classmethod
    def at(cls, path: Path | str) -> "RunDirectory":
        """The run whose directory is `path`."""
        directory = Path(path).resolve()
        return cls(directory.parent.parent, directory.parent.name, parse_cycle_name(directory.name))

    @property
    def path(self) -> Path:
        """The directory itself."""
        return self.root / self.system_name / cycle_name(self.init_time)

    @property
    def stem(self) -> str:
        """What the names of the run's NetCDF files begin with."""
        return f"{self.system_name}_{cycle_name(self.init_time)}"

    @property
    def forecast(self) -> Path:
        """All members at all leads."""
        return self.path / f"{self.stem}.nc"

    @property
    def products(self) -> Path:
        """Mean, spread, quantiles and probabilities."""
        return self.path / f"{self.stem}_products.nc"

    @property
    def plots(self) -> Path:
        """Directory of the pictures."""
        return self.path / "plots"

    @property
    def report(self) -> Path:
        """The page about the run."""
        return self.path / "report.html"

    @property
    def scores(self) -> Path:
        """Scores, once the run can be verified."""
        return self.path / "scores.json"

    @property
    def manifest(self) -> Path:
        """Written last: without it the run does not exist for readers."""
        return self.path / "manifest.json"
