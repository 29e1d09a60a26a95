"""`.ens` on xarray's fields and datasets of an ensemble: what one asks of an ensemble, in one line each.

    forecast = plumecast.open_forecast("theirs.nc")
    forecast["t2m"].ens.mean()
    forecast.ens.probability("t2m < 273.15 and tp24 > 5")
    forecast.ens.score("crps", analysis, reduce=["latitude", "longitude"])
    forecast.ens.plume("51.5,-0.1")

Importing this module imports xarray alone; each method looks up the function of `plumecast` that does its work.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import xarray as xr

import plumecast

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@xr.register_dataarray_accessor("ens")  # type: ignore[no-untyped-call]  # of xarray
class EnsembleField:
    """What is asked of one field of an ensemble, whose members lie along `member`, `realization`, `number` or the like.

    Args:
        field: The field; NumPy or Dask inside. Results are lazy where it is.
    """

    def __init__(self, field: xr.DataArray) -> None:
        self._field = field

    def mean(self) -> xr.DataArray:
        """Return the mean of the members: see `plumecast.ensemble_mean`."""
        return plumecast.ensemble_mean(self._field)

    def spread(self) -> xr.DataArray:
        """Return the standard deviation of the members: see `plumecast.ensemble_spread`."""
        return plumecast.ensemble_spread(self._field)

    def quantile(self, levels: float | Sequence[float]) -> xr.DataArray:
        """Return quantiles of the members: see `plumecast.ensemble_quantile`."""
        return plumecast.ensemble_quantile(self._field, levels)

    def event(self, text: str) -> xr.DataArray:
        """Whether an event such as `"> 25"` happens in each member: see `plumecast.event_of`."""
        return plumecast.event_of(self._field, text)

    def probability(self, text: str) -> xr.DataArray:
        """Return the share of members in which an event such as `"> 25"` happens: see `plumecast.event_of`."""
        return plumecast.probability(self.event(text))

    def efi(self, climate: xr.DataArray) -> xr.DataArray:
        """Return the extreme forecast index: see `plumecast.extreme_forecast_index`."""
        return plumecast.extreme_forecast_index(self._field, climate)

    def sot(self, climate: xr.DataArray, quantile: float = 0.9) -> xr.DataArray:
        """Return the shift of tails: see `plumecast.shift_of_tails`."""
        return plumecast.shift_of_tails(self._field, climate, quantile=quantile)

    def tercile(self, climate: xr.DataArray) -> xr.Dataset:
        """Return the most likely tercile and its probability: see `plumecast.most_likely_tercile`."""
        return plumecast.most_likely_tercile(self._field, climate)

    def score(self, name: str, analysis: xr.DataArray, **options: Any) -> Any:
        """Score the members: see `plumecast.score`."""
        return plumecast.score(name, self._field, analysis, **options)


@xr.register_dataset_accessor("ens")  # type: ignore[no-untyped-call]  # of xarray
class Ensemble:
    """What is asked of all fields of an ensemble at once, and of several together.

    Args:
        fields: The fields, each with members.
    """

    def __init__(self, fields: xr.Dataset) -> None:
        self._fields = fields

    def mean(self) -> xr.Dataset:
        """Return the mean of the members of each field: see `plumecast.ensemble_mean`."""
        return self._fields.map(plumecast.ensemble_mean, keep_attrs=True)

    def spread(self) -> xr.Dataset:
        """Return the standard deviation of the members of each field: see `plumecast.ensemble_spread`."""
        return self._fields.map(plumecast.ensemble_spread, keep_attrs=True)

    def quantile(self, levels: float | Sequence[float]) -> xr.Dataset:
        """Return quantiles of the members of each field: see `plumecast.ensemble_quantile`."""
        return self._fields.map(plumecast.ensemble_quantile, keep_attrs=True, args=(levels,))

    def event(self, text: str) -> xr.DataArray:
        """Whether an event such as `"t2m < 273.15 and tp24 > 5"` happens in each member: see `plumecast.event_of`."""
        return plumecast.event_of(self._fields, text)

    def probability(self, text: str) -> xr.DataArray:
        """Return the share of members in which an event of one or several fields happens: see `plumecast.event_of`."""
        return plumecast.probability(self.event(text))

    def score(self, name: str, analysis: xr.Dataset, **options: Any) -> Any:
        """Score each field that the analysis has too: see `plumecast.score`."""
        return plumecast.score(name, self._fields, analysis, **options)

    def plume(self, place: tuple[float, float] | str, **options: Any) -> "Figure":
        """Draw the members at a place: see `plumecast.plume`."""
        return plumecast.plume(self._fields, place, **options)

    def map(self, channel: str, leads: Sequence[str] = ()) -> "Figure":
        """Draw mean and spread of a channel: see `plumecast.map_of`."""
        return plumecast.map_of(self._fields, channel, leads)

    def stamps(self, channel: str, lead: str, analysis: xr.Dataset | None = None) -> "Figure":
        """Draw every member of a channel: see `plumecast.stamps`."""
        return plumecast.stamps(self._fields, channel, lead, analysis)
