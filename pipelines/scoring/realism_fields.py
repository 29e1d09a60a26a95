"""Fields of members and analyses for the physics gates: in SI units, and as departures from climatology."""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from forecast.states.standardiser import Standardiser
from forecast.verification.cycle_scores import verifying_analysis

SPACE = ("latitude", "longitude")


class RealismFields:
    """Analyses and members as the gates measure them.

    Departures are from the climatology of the training period, in standard deviations of the channel, with the square
    root taken of amounts such as precipitation: dimensions channel, latitude and longitude and others.

    Args:
        analysis: Analysis on time, latitude and longitude with the channels of the model.
        standardiser: That of the model, with the climatology.
    """

    def __init__(self, analysis: xr.Dataset, standardiser: Standardiser) -> None:
        self._standardiser, self._channels = standardiser, standardiser.channels
        self._analysis = analysis[list(self._channels)]

    def at(self, times: NDArray[np.datetime64]) -> xr.Dataset:
        """Return analyses in SI units.

        Args:
            times: Times that are in the analysis.
        """
        return self._analysis.sel(time=times).load()

    def led(self, init_time: np.datetime64, leads: NDArray[np.timedelta64]) -> xr.Dataset:
        """Return the analyses that followed a start, in SI units, on lead_time.

        Args:
            init_time: The start.
            leads: Lead times.

        Raises:
            MissingDataError: The analysis lacks one of them.
        """
        return verifying_analysis(self._analysis, self._channels, init_time, leads)

    def climatology(self, valid: NDArray[np.datetime64], dim: str) -> xr.Dataset:
        """Return the climatology in SI units, but for amounts, of which it is that of the square root.

        Args:
            valid: Valid times.
            dim: Name of the dimension of these: `time` or `lead_time`.
        """
        values = self._standardiser.climatology_at(valid)
        fields = {name: ((dim, *SPACE), values[:, place]) for place, name in enumerate(self._channels)}
        coords = {name: self._analysis[name] for name in SPACE}
        return xr.Dataset(fields, coords=coords)

    def departures_at(self, times: NDArray[np.datetime64], channels: Sequence[str] | None = None) -> xr.DataArray:
        """Return departures of analyses: time, channel, latitude, longitude.

        Args:
            times: Times that are in the analysis.
            channels: Channels wanted; all when None.
        """
        return self._departures(self.at(times)).sel(channel=list(channels or self._channels))

    def verifying(self, init_time: np.datetime64, leads: NDArray[np.timedelta64]) -> xr.DataArray:
        """Return departures of the analyses that followed a start: lead_time, channel, latitude, longitude.

        Args:
            init_time: The start.
            leads: Lead times.

        Raises:
            MissingDataError: The analysis lacks one of them.
        """
        return self._led(self.led(init_time, leads), init_time)

    def departures(self, made: xr.Dataset, init_time: np.datetime64) -> xr.DataArray:
        """Return departures of members: member, lead_time, channel, latitude, longitude.

        Args:
            made: Members in SI units: member, lead_time, latitude, longitude.
            init_time: Their start.
        """
        parts = [self._led(made.isel(member=index), init_time) for index in range(made.sizes["member"])]
        return xr.concat(parts, made["member"], coords="minimal", compat="override")

    def _led(self, fields: xr.Dataset, init_time: np.datetime64) -> xr.DataArray:
        leads = fields["lead_time"].values
        plain = fields.drop_vars([name for name in fields.coords if name not in ("lead_time", *SPACE)])
        found = self._departures(plain.rename(lead_time="time").assign_coords(time=init_time + leads))
        return found.rename(time="lead_time").assign_coords(lead_time=leads)

    def _departures(self, fields: xr.Dataset) -> xr.DataArray:
        values = self._standardiser.to_tensor(fields[list(self._channels)]).numpy()
        coords = {"time": fields["time"].values, "channel": list(self._channels)}
        coords |= {name: self._analysis[name].values for name in SPACE}
        return xr.DataArray(values, dims=("time", "channel", *SPACE), coords=coords)
