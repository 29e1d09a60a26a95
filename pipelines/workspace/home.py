"""The home directory, PLUMECAST_HOME, which holds archives, checkpoints, runs and scores."""

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Home:
    """The home directory, which holds everything that Plumecast stores.

    Attributes:
        root: Path of the directory, which holds `archives/`, `checkpoints/`, `runs/`, `scores/`, `searches/`, `cycles/`
            with the ledgers of scheduled cycles, `models/` and `shadows/` with registered models and the runs of those
            that are not live, `datasets/` with the user's dataset files, `explanations/` of runs
            and, unless Prefect is configured otherwise, `prefect/`.
    """

    root: Path

    @property
    def archives(self) -> Path:
        """Directory of the archives, one Zarr group for each dataset."""
        return self.root / "archives"

    @property
    def datasets(self) -> Path:
        """Directory of the user's dataset files."""
        return self.root / "datasets"

    @property
    def runs(self) -> Path:
        """Directory of the runs: `<system>/<cycle>/`."""
        return self.root / "runs"

    @property
    def prefect(self) -> Path:
        """Directory of the local Prefect server's state."""
        return self.root / "prefect"

    @property
    def metrics(self) -> Path:
        """Path of the metrics of all cycles, which node_exporter's textfile collector reads."""
        return self.root / "cycles.prom"

    def archive(self, dataset_name: str) -> Path:
        """Return the path of the archive of a dataset."""
        return self.archives / f"{dataset_name}.zarr"

    def explanations(self, system_name: str) -> Path:
        """Return the directory of what was explained of a system's runs: `<cycle>/`."""
        return self.root / "explanations" / system_name

    def cycle_ledger(self, system_name: str) -> Path:
        """Return the path of the ledger of a system's cycles."""
        return self.root / "cycles" / f"{system_name}.jsonl"

    def cycle_lock(self, system_name: str) -> Path:
        """Return the path of the lock that a cycle of a system holds while it makes and verifies runs."""
        return self.runs / ".locks" / f"{system_name}.lock"

    def schedule_lock(self, system_name: str) -> Path:
        """Return the path of the lock that a scheduled cycle of a system holds as long as it lives, also waiting."""
        return self.runs / ".locks" / f"{system_name}.schedule.lock"

    def score_archive(self, name: str) -> Path:
        """Return the path of the score archive of a system, or of foreign forecasts."""
        return self.root / "scores" / name

    def search(self, name: str) -> Path:
        """Return the directory of a search."""
        return self.root / "searches" / name

    def models(self, system_name: str) -> Path:
        """Return the path of the registry of a system's models; their checkpoints are beside it."""
        return self.root / "models" / system_name / "registry.jsonl"

    def shadow_runs(self, model_folder: str) -> Path:
        """Return the directory of the runs of a model that runs beside the live one: `<system>/<cycle>/`."""
        return self.root / "shadows" / model_folder

    @property
    def all_runs(self) -> list[Path]:
        """Directories of runs, `<system>/<cycle>/` in each: that of the live models, and those of shadows."""
        return [self.runs, *sorted((self.root / "shadows").glob("*"))]

    def checkpoint(self, system_name: str) -> Path:
        """Return the directory of the checkpoint that is trained in this home."""
        return self.root / "checkpoints" / system_name


def home(root: Path | None = None) -> Home:
    """Return the home directory: the given one, else PLUMECAST_HOME, else ./plumecast-data.

    Args:
        root: Directory given by the user; None for the default.
    """
    chosen = root if root is not None else Path(os.environ.get("PLUMECAST_HOME") or "plumecast-data")
    return Home(chosen.expanduser().absolute())
