"""Where the files of one cycle lie, and what they are called."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from forecast.system.cycles import cycle_name, parse_cycle_name


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
