"""Runs: what one forecast from one init time left on disk, opened lazily."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import xarray as xr
from pydantic_core import from_json

from data_catalog.errors import ConfigurationError, InvalidDataError
from forecast.products.files import manifest as manifests
from forecast.products.files.forecast_reading import open_forecast, open_store
from forecast.products.files.proof import prove_run
from forecast.products.files.retired import require_kept
from forecast.products.files.runs import RunDirectory
from forecast.system.cycles import CYCLE_NAME
from pipelines.workspace.home import home as find_home
from plumecast.scores import scores_dataset


@dataclass(frozen=True)
class Run:
    """A finished run: everything that one forecast from one init time left on disk.

    Each part is opened when it is first asked for, and kept. Fields stay on disk until they are computed (Dask).

    Attributes:
        path: Directory of the run, absolute.
    """

    path: Path

    @property
    def files(self) -> RunDirectory:
        """Paths of the run's files: `.forecast`, `.products`, `.plots`, `.report`, `.scores` and `.manifest`."""
        return RunDirectory.at(self.path)

    @property
    def system(self) -> str:
        """Name of the system that made the run."""
        return self.files.system_name

    @property
    def init_time(self) -> np.datetime64:
        """Init time of the forecast, UTC."""
        return self.files.init_time

    @property
    def page(self) -> Path:
        """The run's page of maps, plumes and scores: one HTML file that needs nothing else."""
        return self.files.report

    @cached_property
    def manifest(self) -> manifests.Manifest:
        """What made the run: hashes of system, model and data, each member's seed, each file's size and sha256."""
        return manifests.read_manifest(self.path)

    @cached_property
    def forecast(self) -> xr.Dataset:
        """Every member at every lead time.

        Dims (member, lead_time, latitude, longitude), scalar coordinate `init_time`; one float32 variable per channel,
        such as `t2m`, in SI units.
        """
        return open_forecast(self.path)

    @cached_property
    def products(self) -> xr.Dataset:
        """Statistics of the members.

        `<channel>_mean` and `<channel>_spread` have dims (lead_time, latitude, longitude) and the channel's units,
        `<channel>_quantile` has `quantile` before them. Probabilities, such as `t2m_below_273p15`, run from 0 to 1.
        """
        require_kept(self.files, self.files.products, "products")
        stored = open_store(self.files.products, chunked=True)
        fields = [name for name, field in stored.items() if {"time", "latitude", "longitude"} <= set(field.dims)]
        lead_time = stored["forecast_period"].values.astype("timedelta64[ns]")
        renamed = stored[fields].reset_coords(drop=True).rename(time="lead_time")
        return renamed.assign_coords(lead_time=lead_time, init_time=self.init_time)

    @cached_property
    def scores(self) -> xr.Dataset | None:
        """Scores of this one forecast beside those of its baselines; None until it has been verified.

        `crps` (fair), `rmse`, `mae`, `bias` and `spread` in the channel's units and `spread_skill` (1 is right), dims
        (forecaster, channel, lead_time), over the whole grid. NaN where a score is undefined, such as the fair CRPS of
        a single forecast.
        """
        path = self.files.scores
        return scores_dataset(from_json(path.read_text(encoding="utf-8"))) if path.exists() else None

    def verify_files(self) -> None:
        """Read every file of the run and compare it with the manifest, and the manifest with the forecast file.

        Raises:
            InvalidDataError: A file or the manifest has changed since it was published; names it.
        """
        prove_run(self.path)


def open_run(path: str | Path) -> Run:
    """Open a finished run, lazily.

    Args:
        path: Directory of the run, such as `plumecast-data/runs/speedy-5p6/20080112T0000Z`.

    Returns:
        The run, with `.forecast`, `.products` (mean, spread ...), `.scores`, `.manifest`, `.page` and `.files`.

    Raises:
        ConfigurationError: There is no such directory, or it is not named for an init time.
        MissingDataError: The run has no manifest, so it is not finished.
        InvalidDataError: Its manifest, or the size of a file in it, is not what was published.
    """
    directory = Path(path).expanduser().resolve()
    if not directory.is_dir() or CYCLE_NAME.fullmatch(directory.name) is None:
        raise ConfigurationError(
            f"run {path}: expected a run directory such as runs/<system>/20080110T0000Z, found none"
        )
    run = Run(directory)
    if not run.manifest.files or not manifests.is_complete(directory):
        raise InvalidDataError(
            f"run {path}: expected the files of its manifest, found others; check them with verify_files"
        )
    return run


def find_runs(home: str | Path | None = None, system: str | None = None) -> list[Run]:
    """Find the finished runs of one or all systems.

    Args:
        home: Directory that holds `runs/`; None for PLUMECAST_HOME, or else ./plumecast-data.
        system: Name of a system; None for all systems.

    Returns:
        Runs by system name and init time, earliest first, so that `find_runs(system=name)[-1]` is the latest.
        Empty if there is none.
    """
    root = find_home(None if home is None else Path(home)).runs
    names = [system] if system is not None else sorted(path.name for path in root.glob("[!.]*") if path.is_dir())
    return [Run(found.path) for name in names for found in manifests.find_runs(root, name)]
