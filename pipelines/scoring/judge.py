"""TODO: pipelines/scoring/judge.py."""

from dataclasses import dataclass
from pathlib import Path

import xarray as xr

from data_catalog.errors import InvalidDataError
from data_catalog.layout.times import iso
from data_catalog.sources.reading import one_line
from data_catalog.sources.zarr_stores import AbsentChunkError
from forecast.system.system import System
from forecast.verification.checks import UnscorableError
from forecast.verification.cycle_scores import score_forecast, verifying_analysis
from forecast.verification.evaluation_report import ScoredCycle
from pipelines.scoring.forecasters import Forecaster, analysis_digests, store_scores
from pipelines.workspace.analyses import scalar
from pipelines.workspace.home import Home

UNREADABLE = (OSError, RuntimeError, AbsentChunkError)
"""What reading a damaged NetCDF file or Zarr store raises."""


@dataclass(frozen=True)
class VerificationRequest:
    """What forecasts are judged by, as far as it is named; the rest is found.

    Attributes:
        home: Where archives, checkpoints and score archives are looked for.
        analysis: Archive or file; the archive of the system's dataset when None.
        system: Whose regions, dataset and score archive to use; a run's own when None.
        scores: Score archive.
        checkpoint: Directory of the baselines.
        forecaster: Name of forecasts from elsewhere in the score archive.
        channels: Of forecasts from elsewhere; all that they have when empty.
    """

    home: Home
    analysis: Path | None = None
    system: System | None = None
    scores: Path | None = None
    checkpoint: Path | None = None
    forecaster: str | None = None
    channels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Scorer:
    """Where forecasts of one origin are judged, and where their scores go."""

    where: str
    analysis: xr.Dataset
    weights: xr.DataArray
    archive: Path

    def score(self, forecaster: Forecaster, forecast: xr.Dataset) -> xr.DataArray:
        """Score one cycle, and store_scores it."""
        init_time, leads = scalar(forecast["init_time"]), forecast["lead_time"].values
        where = f"{self.where}, {forecaster.name} from {iso(init_time)}"
        verifying = verifying_analysis(self.analysis, [str(name) for name in forecast.data_vars], init_time, leads)
        try:
            sums = score_forecast(forecast, verifying, self.weights)
        except UnscorableError as error:
            raise UnscorableError(f"{where}: {error}") from error
        except UNREADABLE as error:
            raise InvalidDataError(f"{where}: expected readable values, found {one_line(error)}") from error
        store_scores(self.archive, forecaster, init_time, sums, analysis_digests(verifying))
        return sums


def scored_forecast(
    system_name: str, forecast: xr.Dataset, sums: dict[str, xr.DataArray], *, model_id: str = "", system_hash: str = ""
) -> ScoredCycle:
    init_time = scalar(forecast["init_time"])
    last_time = init_time + forecast["lead_time"].values.max()
    return ScoredCycle(system_name, model_id, system_hash, forecast.sizes["member"], init_time, last_time, sums)


def score_archive_of(judge: VerificationRequest, name: str) -> Path:
    return judge.scores or judge.home.score_archive(judge.system.name if judge.system is not None else name)
