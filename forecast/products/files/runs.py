"""The directory of a run, and the names of its files."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from forecast.system.cycles import cycle_name, parse_cycle_name


@dataclass(frozen=True)
class RunDirectory:
    """The directory that holds all outputs of one cycle: `root/<system>/<YYYYMMDDTHHMMZ>/`.

    Attributes:
        root: Directory of all runs of all systems.
        system_name: Name of the system.
        init_time: Init time of the cycle.
    """

    root: Path
    system_name: str
    init_time: np.datetime64

    @classmethod
    def at(cls, path: Path | str) -> "RunDirectory":
        """Return the run of a directory.

        Args:
            path: Path of the directory, such as `runs/speedy-5p6/20080115T0000Z`; it need not exist.

        Raises:
            InvalidDataError: The directory is not named for an init time.
        """
        directory = Path(path).resolve()
        return cls(directory.parent.parent, directory.parent.name, parse_cycle_name(directory.name))

    @property
    def path(self) -> Path:
        """The directory itself."""
        return self.root / self.system_name / cycle_name(self.init_time)

    @property
    def stem(self) -> str:
        """First part of the names of the run's forecast files."""
        return f"{self.system_name}_{cycle_name(self.init_time)}"

    @property
    def forecast(self) -> Path:
        """Path of the NetCDF file of all members at all lead times."""
        return self.path / f"{self.stem}.nc"

    @property
    def products(self) -> Path:
        """Path of the NetCDF file of mean, spread, quantiles and probabilities."""
        return self.path / f"{self.stem}_products.nc"

    @property
    def zarr(self) -> Path:
        """Path of the Zarr store of all members at all lead times, which exists only if the system asks for it."""
        return self.path / f"{self.stem}.zarr"

    @property
    def plots(self) -> Path:
        """Directory of the figures."""
        return self.path / "plots"

    @property
    def report(self) -> Path:
        """Path of the page of the run."""
        return self.path / "report.html"

    @property
    def scores(self) -> Path:
        """Path of the scores, which exist once the run has been verified."""
        return self.path / "scores.json"

    @property
    def checks(self) -> Path:
        """Path of what the checks before publication found."""
        return self.path / "checks.json"

    @property
    def manifest(self) -> Path:
        """Path of the manifest, which is written last: without it the run does not exist for readers."""
        return self.path / "manifest.json"
