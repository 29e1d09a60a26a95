"""Scores of forecasts from the same starts, kept by start, so that differences between forecasters can be tested."""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from forecast.verification.evaluation import scores_of


@dataclass(frozen=True)
class PairedScores:
    """Scores of one forecaster from given starts, to be compared with another's from the same starts.

    Attributes:
        sums: Sums of each start over the whole grid, from `cycle_sums`; dims start, channel, lead_time, statistic.
    """

    sums: xr.DataArray

    @property
    def scores(self) -> xr.Dataset:
        """Scores over all starts, among them `crps` (fair) and `spread_skill`, by channel and lead_time."""
        return scores_of(self.sums.sum("start"))

    def relative_crps(self, reference: "PairedScores") -> float:
        """Return the fair CRPS divided by that of another forecaster, averaged over channels and lead times.

        Args:
            reference: Scores of the other forecaster.
        """
        return float((self.scores["crps"] / reference.scores["crps"]).mean())

    def gain(self, other: "PairedScores", reference: "PairedScores") -> tuple[float, float]:
        """Return by how much another forecaster's CRPS is larger, and the standard error of that over the starts.

        The CRPS of both is divided by that of `reference`, and averaged over channels and lead times. As the starts are
        the same, the difference is known better than either CRPS.

        Args:
            other: Scores of the other forecaster.
            reference: Scores that the CRPS is measured by.

        Returns:
            The difference and its standard error, which is infinite for a single start.
        """
        each = [part.sums.sel(statistic="crps") / part.sums.sel(statistic="weight") for part in (self, other)]
        larger = ((each[1] - each[0]) / reference.scores["crps"]).mean(["channel", "lead_time"]).values
        error = larger.std(ddof=1) / np.sqrt(larger.size) if larger.size > 1 else np.inf
        return float(larger.mean()), float(error)

    def log_spread_skill(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return ln(spread / error of the ensemble mean) and its standard error, by the jackknife over the starts.

        Returns:
            Two arrays (channel, lead_time). With a single start the standard error is unknown, and given as 1.
        """
        total, starts = self.sums.sum("start"), self.sums.sizes["start"]
        value = np.log(scores_of(total)["spread_skill"].transpose("channel", "lead_time").values)
        if starts == 1:
            return value, np.ones_like(value)
        others = scores_of(total - self.sums)["spread_skill"].transpose("start", "channel", "lead_time")
        return value, np.sqrt((starts - 1) * np.log(others.values).var(axis=0))
