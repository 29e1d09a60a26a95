"""Where archives, checkpoints and runs live: one directory, PLUMECAST_HOME."""

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Home:
    """The directory that holds everything Plumecast keeps.

    Attributes:
        root: Holds `archives/`, `checkpoints/`, `runs/`, `scores/`, `searches/` and, unless Prefect is set up
            otherwise, `prefect/`.
    """

    root: Path

    @property
    def archives(self) -> Path:
        """Directory that holds one Zarr archive for each dataset."""
        return self.root / "archives"

    @property
    def runs(self) -> Path:
        """Directory that holds the runs: `<system>/<cycle>/`."""
        return self.root / "runs"

    @property
    def prefect(self) -> Path:
        """Directory of the local Prefect server's state."""
        return self.root / "prefect"

    def archive(self, dataset_name: str) -> Path:
        """Archive of a dataset."""
        return self.archives / f"{dataset_name}.zarr"

    def score_archive(self, name: str) -> Path:
        """Score archive of a system, or of forecasts from elsewhere."""
        return self.root / "scores" / name

    def search(self, name: str) -> Path:
        """Directory of a search."""
        return self.root / "searches" / name

    def checkpoint(self, system_name: str) -> Path:
        """Directory of the checkpoint that was trained here."""
        return self.root / "checkpoints" / system_name


def home(root: Path | None = None) -> Home:
    """The home directory: the given one, else PLUMECAST_HOME, else ./plumecast-data.

    Args:
        root: Directory that the user names.
    """
    chosen = root if root is not None else Path(os.environ.get("PLUMECAST_HOME") or "plumecast-data")
    return Home(chosen.expanduser().absolute())
