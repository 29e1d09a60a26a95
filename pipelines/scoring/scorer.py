"""Forecasts scored against an analysis, and the scores kept in an archive."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from data_catalog.errors import InvalidDataError
from data_catalog.layout.times import iso
from data_catalog.sources.reading import one_line
from data_catalog.sources.zarr_stores import AbsentChunkError
from forecast.verification.archive.archive import append_cycle, check_cycle, read_cycle
from forecast.verification.checks import UnscorableError
from forecast.verification.cycle_scores import score_forecast, verifying_analysis
from forecast.verification.evaluation import AXES
from forecast.verification.evaluation_report import ScoredCycle
from pipelines.scoring.forecasters import Forecaster, short_digest
from pipelines.workspace.analyses import scalar

UNREADABLE = (OSError, RuntimeError, AbsentChunkError)
"""What reading a damaged NetCDF file or Zarr store raises."""


@dataclass(frozen=True)
class Scorer:
    """What forecasts of one origin are scored against, and where their scores go.

    Attributes:
        origin: What is scored, to begin an error with.
        analysis: The verifying analysis, lazily.
        weights: From `score_weights`, on the grid of the analysis.
        archive: Score archive.
    """

    origin: str
    analysis: xr.Dataset
    weights: xr.DataArray
    archive: Path

    def cycle(
        self, init_time: np.datetime64, channels: Sequence[str], lead_times: NDArray[np.timedelta64]
    ) -> "CycleScorer":
        """Load the analyses that verify the forecasts of one start.

        Args:
            init_time: The start.
            channels: Channels that are scored.
            lead_times: All lead times that are scored.

        Raises:
            MissingDataError: The analysis does not reach a valid time yet.
        """
        return CycleScorer(self, init_time, verifying_analysis(self.analysis, channels, init_time, lead_times))


@dataclass(frozen=True)
class CycleScorer:
    """Scores the forecasts of one start.

    Attributes:
        scorer: What they share with other starts.
        init_time: The start.
        verifying: The verifying analyses, dims lead_time, latitude, longitude.
    """

    scorer: Scorer
    init_time: np.datetime64
    verifying: xr.Dataset

    def score(self, forecaster: Forecaster, forecast: xr.Dataset) -> xr.DataArray:
        """Score one forecast and keep its sums in the archive.

        Args:
            forecaster: Who made it.
            forecast: Dims member, lead_time, latitude, longitude; at some of the lead times.

        Returns:
            From `cycle_sums`.

        Raises:
            UnscorableError: Forecast and analysis do not fit together, or a value is missing.
            InvalidDataError: A value cannot be read, or the archive holds other scores of this forecast.
        """
        unkept = self.unkept(forecaster, forecast)
        unkept.keep()
        return unkept.sums

    def unkept(self, forecaster: Forecaster, forecast: xr.Dataset) -> "UnkeptScores":
        """Score one forecast and leave the archive as it is.

        Args:
            forecaster: Who made it.
            forecast: Dims member, lead_time, latitude, longitude; at some of the lead times.

        Returns:
            What the archive is to keep of it.

        Raises:
            UnscorableError: Forecast and analysis do not fit together, or a value is missing.
            InvalidDataError: A value cannot be read.
        """
        leads = forecast["lead_time"].values
        where = f"{self.scorer.origin}, {forecaster.name} from {iso(self.init_time)}"
        try:
            sums = score_forecast(forecast, self.verifying.sel(lead_time=leads), self.scorer.weights)
        except UnscorableError as error:
            raise UnscorableError(f"{where}: {error}") from error
        except UNREADABLE as error:
            raise InvalidDataError(f"{where}: expected readable values, found {one_line(error)}") from error
        facts = self._facts(forecaster, leads)
        return UnkeptScores(self.scorer.archive, forecaster.label, self.init_time, sums, facts)

    def archived(self, forecaster: Forecaster, lead_times: NDArray[np.timedelta64]) -> xr.DataArray | None:
        """Sums of a forecast that was scored before, against the same analysis; None if something of it is lacking.

        Args:
            forecaster: Who made it.
            lead_times: Those wanted.

        Raises:
            InvalidDataError: The archive holds this start scored against another analysis.
        """
        facts = self._facts(forecaster, lead_times)
        sums = read_cycle(self.scorer.archive, forecaster.label, self.init_time, facts)
        shape = {"channel": list(self.verifying.data_vars), "lead_time": lead_times}
        totals = self.scorer.weights.sum(["latitude", "longitude"]).expand_dims(shape)
        if self.scored_points:
            known = self.verifying.sel(lead_time=lead_times).to_dataarray("channel").notnull()
            totals = xr.dot(known.astype(np.float64), self.scorer.weights, dim=["latitude", "longitude"])
        totals = totals.transpose(*AXES[:3])
        if sums is None or any(not np.isin(totals[axis].values, sums[axis].values).all() for axis in AXES[:3]):
            return None
        chosen = sums.sel({axis: totals[axis].values for axis in AXES[:3]})
        same = np.allclose(chosen.sel(statistic="weight").values, totals.values, rtol=1e-9, atol=0)
        return chosen if same else None

    def _facts(self, forecaster: Forecaster, lead_times: NDArray[np.timedelta64]) -> dict[str, str]:
        """What must not change for a forecast in the archive."""
        analysis = {
            f"analysis of {name} at {float(lead / np.timedelta64(1, 'h')):g} h": digest
            for (name, lead), digest in self._digests.items()
            if lead in lead_times
        }
        return {**forecaster.version, **forecaster.about, **analysis}

    @cached_property
    def scored_points(self) -> dict[str, float]:
        """Share of the points that have an analysis, by channel, for channels that lack it somewhere."""
        shares = {str(name): float(field.notnull().mean()) for name, field in self.verifying.items()}
        return {name: share for name, share in shares.items() if share < 1.0}

    @cached_property
    def _digests(self) -> dict[tuple[str, np.timedelta64], str]:
        """A digest of each verifying field, by channel and lead time."""
        digests = {}
        for name, values in self.verifying.items():
            ordered = values.transpose("lead_time", "latitude", "longitude").values.astype("<f4")
            for lead, plane in zip(self.verifying["lead_time"].values, ordered, strict=True):
                digests[str(name), lead] = short_digest(np.ascontiguousarray(plane).tobytes())
        return digests


@dataclass(frozen=True)
class UnkeptScores:
    """Sums of one cycle that are not in the score archive yet.

    Attributes:
        archive: Score archive.
        label: Name of the forecaster in it.
        init_time: The start.
        sums: From `cycle_sums`.
        facts: By name, what must not change for this forecast in the archive.
    """

    archive: Path
    label: str
    init_time: np.datetime64
    sums: xr.DataArray
    facts: dict[str, str]

    def check(self, earlier: Sequence["UnkeptScores"] = ()) -> None:
        """Raise InvalidDataError if there are other scores of this forecast; write nothing.

        Args:
            earlier: Scores of the same forecaster and start that go into the archive first.
        """
        beside = [(one.sums, one.facts) for one in earlier]
        check_cycle(self.archive, self.label, self.init_time, self.sums, self.facts, beside=beside)

    def keep(self) -> None:
        """Add the sums to the archive; raise InvalidDataError if it holds other scores of this forecast."""
        append_cycle(self.archive, self.label, self.init_time, self.sums, self.facts)


@dataclass(frozen=True)
class UnkeptCycle:
    """A scored cycle that is not in the score archive yet.

    Attributes:
        cycle: Ready to be pooled.
        unkept: What the archive is to keep of it, of each forecaster.
    """

    cycle: ScoredCycle
    unkept: tuple[UnkeptScores, ...]


def keep_all(scores: Sequence[UnkeptScores]) -> None:
    """Add scores to their archives, or add none.

    Args:
        scores: In the order in which they are added.

    Raises:
        InvalidDataError: Some contradict what an archive holds, or each other.
    """
    checked: dict[tuple[Path, str, np.datetime64], list[UnkeptScores]] = {}
    for one in scores:
        earlier = checked.setdefault((one.archive, one.label, one.init_time), [])
        one.check(earlier)
        earlier.append(one)
    for one in scores:
        one.keep()


def scored_cycle(
    system_name: str,
    forecast: xr.Dataset,
    sums: dict[str, xr.DataArray],
    *,
    model_id: str = "",
    system_hash: str = "",
    scored_points: Mapping[str, float] | None = None,
) -> ScoredCycle:
    """A scored forecast, ready to be pooled with those of other starts.

    Args:
        system_name: Name of the system, or of the file.
        forecast: The forecast; tells start, members and last lead.
        sums: From `cycle_sums`, by forecaster.
        model_id: Identity of the weights; empty for forecasts from elsewhere.
        system_hash: Identity of what else decides the members; empty for forecasts from elsewhere.
        scored_points: Share of points by channel, from `CycleScorer.scored_points`.
    """
    init_time = scalar(forecast["init_time"])
    last_time = init_time + forecast["lead_time"].values.max()
    return ScoredCycle(
        system_name,
        model_id,
        system_hash,
        forecast.sizes["member"],
        init_time,
        last_time,
        sums,
        dict(scored_points or {}),
    )
