"""Scores forecasts over validation days, for calibration and search. Test days are refused."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import xarray as xr

from data_catalog.errors import ConfigurationError
from forecast.checkpoints.checkpoint import Checkpoint
from forecast.members.gather import ensemble_forecast, lead_times
from forecast.system.periods import Period
from forecast.system.system import System
from forecast.verification.cycle_scores import verifying_analysis
from forecast.verification.evaluation import TOTALS, cycle_sums
from forecast.verification.paired_scores import PairedScores

logger = logging.getLogger("plumecast")


@dataclass(frozen=True)
class Validation:
    """Validation forecasts: their starts, size and length.

    Attributes:
        system: The system.
        analysis: Analysis with the channels of the system, lazy.
        starts: Init times.
        members: Size of each ensemble.
        lead_steps: Length of each forecast, in steps of the system.
        device: Device to compute on.
    """

    system: System
    analysis: xr.Dataset
    starts: tuple[np.datetime64, ...]
    members: int
    lead_steps: int
    device: str = "cpu"

    def score(self, checkpoint: Checkpoint, tick: Callable[[], None] = lambda: None) -> PairedScores:
        """Forecast from every start, and return the scores.

        Args:
            checkpoint: The model. The same identity and system give the same noise, whatever the calibration.
            tick: Called after each start.
        """
        scored = []
        for sums in self.score_each(checkpoint):
            scored.append(sums)
            tick()
        return PairedScores(xr.concat(scored, "start"))

    def score_each(self, checkpoint: Checkpoint) -> Iterator[xr.DataArray]:
        """Yield the sums of one start after the other."""
        channels = self.system.state.predictands
        for init_time in self.starts:
            forecast = ensemble_forecast(
                checkpoint,
                self.system,
                self.analysis,
                init_time,
                members=self.members,
                lead_steps=self.lead_steps,
                device=self.device,
            )
            leads = lead_times(self.system, self.lead_steps)
            verifying = verifying_analysis(self.analysis, channels, init_time, leads)
            yield cycle_sums(forecast, verifying).isel(region=0, drop=True).sel(statistic=list(TOTALS))


def refuse_test_days(period: Period, *systems: System) -> None:
    """Check that a period contains no test days.

    Args:
        period: Days to fit to.
        systems: Systems whose test periods are compared.

    Raises:
        ConfigurationError: The period overlaps the test period of one of the systems.
    """
    for system in systems:
        test = system.periods.test
        if period.overlaps(test):
            raise ConfigurationError(
                f"fitting '{system.name}': expected days apart from its test period {test.start} to {test.end}, "
                f"found {period.start} to {period.end}"
            )


def warn_of_learned_days(checkpoint: Checkpoint, period: Period) -> bool:
    """Return whether a model was trained on some of the days that score it; if so, log a warning."""
    periods, held_out = checkpoint.system.periods, checkpoint.training.validation_held_out
    learned = period.overlaps(periods.training) or (period.overlaps(periods.validation) and not held_out)
    if learned:
        logger.warning(
            "The network, or the one that it started from, was trained on some of the days from %s to %s: "
            "its errors look smaller than they are",
            period.start,
            period.end,
        )
    return learned
