"""Figures of a forecast in a notebook: plumes, maps and stamps, in the style of the pages."""

from collections.abc import Sequence

import matplotlib.pyplot  # noqa: F401  # a notebook shows figures once it is imported
import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from data_catalog.errors import ConfigurationError
from forecast.products.plots.figures import Caption, KnownWeather
from forecast.products.plots.maps import mean_and_spread_figure, stamps_figure
from forecast.products.plots.plumes import plume_figure
from pipelines.terminal.places import Place, point_of
from pipelines.terminal.times import parse_hours

SIMULATED = "simulated weather"


def plume(
    forecast: xr.Dataset,
    place: Place,
    *,
    channels: Sequence[str] = (),
    analysis: xr.Dataset | None = None,
    climatology: xr.Dataset | None = None,
) -> Figure:
    """Draw the members and their quantiles at the grid point nearest to a place, a panel for each channel.

    Args:
        forecast: As `plumecast.open_forecast` returns it: dims (member, lead_time, latitude, longitude).
        place: Latitude and longitude in degrees north and east, as numbers or as text: `(51.5, -0.1)`, `"51.5,-0.1"`.
        channels: Channels to draw; empty for all.
        analysis: Analysis with the channels, dims (time, latitude, longitude), drawn at init time and lead times.
        climatology: A climatological ensemble with the channels and dims of the forecast, drawn as a band.

    Raises:
        ConfigurationError: The place or a channel is not in the forecast.
    """
    names = _channels(forecast, channels)
    caption = caption_of(forecast)
    known = KnownWeather(_near(analysis, forecast, caption), climatology)
    return plume_figure(forecast[names], caption=caption, point=point_of(place), channels=names, known=known)


def map_of(forecast: xr.Dataset, channel: str, leads: Sequence[str] = ()) -> Figure:
    """Draw mean and spread of a channel as maps, a row for each lead time.

    Args:
        forecast: As `plumecast.open_forecast` returns it, with two members or more.
        channel: The channel, such as `z500`.
        leads: Lead times, such as `("1d", "5d")`; empty for all.

    Raises:
        ConfigurationError: The channel or a lead time is not in the forecast.
    """
    field = forecast[_channels(forecast, [channel])[0]]
    chosen = [_lead(forecast, lead) for lead in leads] or list(forecast["lead_time"].values)
    return mean_and_spread_figure(field.sel(lead_time=chosen).load(), caption=caption_of(forecast))


def stamps(forecast: xr.Dataset, channel: str, lead: str, analysis: xr.Dataset | None = None) -> Figure:
    """Draw every member of a channel at a lead time as a small map, beside the mean and the analysis.

    Args:
        forecast: As `plumecast.open_forecast` returns it.
        channel: The channel, such as `z500`.
        lead: Lead time, such as `"5d"`.
        analysis: Analysis with the channel, dims (time, latitude, longitude); drawn if it has the valid time.

    Raises:
        ConfigurationError: The channel or the lead time is not in the forecast.
    """
    name, at, caption = _channels(forecast, [channel])[0], _lead(forecast, lead), caption_of(forecast)
    known, valid = None, caption.init_time + at
    if analysis is not None and bool((analysis["time"] == valid).any()):
        known = analysis[name].sel(time=valid).load()
    return stamps_figure(forecast[name].sel(lead_time=[at]).load(), caption=caption, lead=at, analysis=known)


def caption_of(forecast: xr.Dataset) -> Caption:
    """Return the heading of the figures of a forecast, from its attributes.

    Args:
        forecast: As `plumecast.open_forecast` returns it.
    """
    title, _, _ = str(forecast.attrs.get("title", "Forecast")).partition(": ensemble forecast")
    simulated = str(forecast.attrs.get("source", "")).lower().startswith(SIMULATED)
    start = np.datetime64(forecast["init_time"].values.item(), "ns")
    return Caption(title, start, forecast.sizes["member"], simulated)


def _channels(forecast: xr.Dataset, names: Sequence[str]) -> list[str]:
    known = [str(name) for name in forecast.data_vars]
    for name in names:
        if name not in known:
            raise ConfigurationError(f"figure: expected channels of the forecast, {', '.join(known)}, found '{name}'")
    return list(names) or known


def _lead(forecast: xr.Dataset, text: str) -> np.timedelta64:
    leads, wanted = forecast["lead_time"].values, np.timedelta64(parse_hours(text, "lead"), "h")
    if wanted not in leads:
        first, last = (lead / np.timedelta64(1, "h") for lead in (leads[0], leads[-1]))
        raise ConfigurationError(
            f"lead: expected one of the {leads.size} lead times from {first:g}h to {last:g}h, found '{text}'"
        )
    return np.timedelta64(wanted.astype(leads.dtype))


def _near(analysis: xr.Dataset | None, forecast: xr.Dataset, caption: Caption) -> xr.Dataset | None:
    if analysis is None:
        return None
    return analysis.sel(time=slice(caption.init_time, caption.init_time + forecast["lead_time"].values.max()))
