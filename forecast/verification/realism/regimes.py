"""Regimes of the weather at the start: known to the forecaster, so that ranks must be flat in each of them.

Were forecasts sorted by what came of them, the ranks of a perfect ensemble would not be flat (Lerch et al. 2017,
doi:10.1214/16-STS588).
"""

from dataclasses import dataclass

import numpy as np
import xarray as xr

from data_catalog.statistics.eofs import EOFs, fit_eofs
from forecast.verification.weighting import area_weights

NAMES = ("low", "middle", "high")


@dataclass(frozen=True)
class Regimes:
    """Thirds of the past states by the amplitude of the leading pattern of a field.

    Attributes:
        pattern: The leading pattern.
        edges: Amplitudes that part the thirds.
    """

    pattern: EOFs
    edges: tuple[float, float]

    def of(self, departures: xr.DataArray) -> str:
        """Return the regime of a state: `low`, `middle` or `high`.

        Args:
            departures: Departures from climatology on latitude and longitude.
        """
        amplitude = float(self.pattern.scores(departures.transpose("latitude", "longitude").values.ravel())[0])
        return NAMES[int(np.searchsorted(self.edges, amplitude))]


def fit_regimes(departures: xr.DataArray) -> Regimes:
    """Fit the leading pattern of past states, and part them into thirds by its amplitude.

    Args:
        departures: Departures from climatology of the training period: time, latitude and longitude.
    """
    fields = departures.transpose("time", "latitude", "longitude")
    weights = (area_weights(fields["latitude"]) * xr.ones_like(fields["longitude"], dtype=float)).values.ravel()
    flat = fields.values.reshape(fields.sizes["time"], -1).astype(np.float64)
    pattern = fit_eofs(flat, weights, 1)
    low, high = np.quantile(pattern.scores(flat)[:, 0], [1 / 3, 2 / 3])
    return Regimes(pattern, (float(low), float(high)))
