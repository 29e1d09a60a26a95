"""All figures of a run: maps, stamps, plumes and, once it has been verified, scores."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeAlias

import numpy as np
import xarray as xr

from data_catalog.errors import ConfigurationError
from forecast.products.files.derived import MEMBERS_OF_A_SPREAD
from forecast.products.files.forecast_reading import open_forecast
from forecast.products.files.runs import RunDirectory
from forecast.products.plots.diagnostics import MODEL, Scores, plot_rank_histograms, plot_skill
from forecast.products.plots.figures import NOTHING_KNOWN, Caption, KnownWeather
from forecast.products.plots.maps import plot_mean_and_spread, plot_stamps
from forecast.products.plots.plumes import nearest, plot_plume
from forecast.products.plots.reuse import drawn_or_kept
from forecast.products.plots.second_process import all_drawn
from forecast.system.products import Point

HEADLINE_CHANNELS = 3
MAP_LEAD_DAYS = (1, 3, 5, 10)
STAMP_LEAD_DAYS = 5
DAY = np.timedelta64(1, "D")


Figure: TypeAlias = "partial[Path]"
"""Draws one figure of a run, in this process or in another, and returns its path."""


@dataclass(frozen=True)
class _Plots:
    """The run that is drawn, and the heading of its figures."""

    run: RunDirectory
    caption: Caption

    def fields(self, name: str, leads: Sequence[np.timedelta64]) -> xr.DataArray:
        """Read the members of a channel at lead times."""
        with open_forecast(self.run.forecast, chunked=False) as forecast:
            return forecast[name].sel(lead_time=list(leads)).load()

    def drawn(self, name: str, draw: Figure) -> Path:
        """Draw a figure, unless the one of the name shows the same."""
        return drawn_or_kept(draw, self.run.plots / f"{name}.png")


def plot_run(
    run: Path | str,
    *,
    title: str,
    simulated: bool,
    channels: Sequence[str] = (),
    lead_days: Sequence[float] = MAP_LEAD_DAYS,
    points: Sequence[Point] = (),
    known: KnownWeather = NOTHING_KNOWN,
    scores: Scores | None = None,
) -> list[Path]:
    """Draw all figures of a run into its `plots` directory; those that are there and would be the same stay.

    Args:
        run: Run directory with its forecast file; it need not have a manifest yet.
        title: Title of the system, for the headings.
        simulated: Whether to say that the weather is simulated.
        channels: Channels to draw, the first also as stamps; empty for the first three of the file.
        lead_days: Lead times of the maps in days; those that the forecast lacks are left out.
        points: Places, one plume each.
        known: Analysis and climatology for plumes and stamps.
        scores: Scores by forecaster, channel, score and lead hours, as in an evaluation file; None before verification.

    Returns:
        The PNG files, in the order of the page.

    Raises:
        ConfigurationError: The forecast lacks a channel, or a place lies outside its grid.
    """
    directory = RunDirectory.at(run)
    with open_forecast(directory.forecast, chunked=False) as forecast:
        fields = forecast[drawn_channels(forecast, channels)]
        plots = _Plots(directory, caption_of(forecast, title=title, simulated=simulated))
        figures = _maps(fields, plots, lead_days, known.analysis) + _plumes(fields, plots, points, known)
        figures += _scores(scores or {}, plots, [str(name) for name in fields.data_vars])
    return all_drawn(figures)


def caption_of(forecast: xr.Dataset, *, title: str, simulated: bool) -> Caption:
    """Compose the heading of a run's figures.

    Args:
        forecast: The run's forecast.
        title: Title of the system.
        simulated: Whether to say that the weather is simulated.
    """
    return Caption(
        system_title=title,
        init_time=np.datetime64(forecast["init_time"].values.item(), "ns"),
        members=forecast.sizes["member"],
        simulated=simulated,
    )


def drawn_channels(forecast: xr.Dataset, channels: Sequence[str]) -> list[str]:
    """Return the channels that are drawn: the wanted ones, or the first three of the forecast if none is named.

    Args:
        forecast: The run's forecast.
        channels: Wanted channels.

    Raises:
        ConfigurationError: The forecast lacks a channel.
    """
    available = [str(name) for name in forecast.data_vars]
    for name in channels:
        if name not in available:
            raise ConfigurationError(
                f"figures: expected channels of the forecast, {', '.join(available)}, found {name}"
            )
    return list(channels) or available[:HEADLINE_CHANNELS]


def _maps(fields: xr.Dataset, plots: _Plots, lead_days: Sequence[float], analysis: xr.Dataset | None) -> list[Figure]:
    leads, caption = fields["lead_time"].values, plots.caption
    mapped = [lead for lead in leads if float(lead / DAY) in {float(day) for day in lead_days}] or [leads[-1]]
    figures = []
    if fields.sizes["member"] >= MEMBERS_OF_A_SPREAD:
        figures += [partial(_draw_map, plots, str(name), mapped) for name in fields.data_vars]
    stamped = leads[int(np.argmin(np.abs(leads - STAMP_LEAD_DAYS * DAY)))]
    first = str(next(iter(fields.data_vars)))
    valid_time = caption.init_time + stamped
    known = None
    if analysis is not None and bool((analysis["time"] == valid_time).any()):
        known = analysis[first].sel(time=valid_time)
    figures.insert(1, partial(_draw_stamps, plots, first, stamped, known))
    return figures


def _draw_map(plots: _Plots, name: str, leads: Sequence[np.timedelta64]) -> Path:
    shown = plots.fields(name, leads)
    return plots.drawn(f"map_{name}", partial(plot_mean_and_spread, shown, caption=plots.caption))


def _draw_stamps(plots: _Plots, name: str, lead: np.timedelta64, known: xr.DataArray | None) -> Path:
    shown = plots.fields(name, [lead])
    stamps = partial(plot_stamps, shown, caption=plots.caption, lead=lead, analysis=known)
    return plots.drawn(f"stamps_{name}", stamps)


def _plumes(fields: xr.Dataset, plots: _Plots, points: Sequence[Point], known: KnownWeather) -> list[Figure]:
    figures = []
    channels = [str(name) for name in fields.data_vars]
    for point in points:
        row, column = nearest(fields, point)
        here = {"latitude": [row], "longitude": [column]}
        series = fields.isel(here).load()
        there = KnownWeather(
            *(None if each is None else each.isel(here) for each in (known.analysis, known.climatology))
        )
        plume = partial(plot_plume, series, caption=plots.caption, point=point, channels=channels, known=there)
        figures.append(partial(plots.drawn, f"plume_{_slug(point.name)}", plume))
    return figures


def _scores(scores: Scores, plots: _Plots, channels: Sequence[str]) -> list[Figure]:
    model, caption = scores.get(MODEL, {}), plots.caption
    scored = [name for name in channels if name in model]
    shown = {name: {channel: by_channel.get(channel, {}) for channel in scored} for name, by_channel in scores.items()}
    skill = partial(plot_skill, shown, caption=caption, channels=scored)
    figures = [partial(plots.drawn, "skill", skill)] if scored else []
    for name in scored:
        histograms = {lead: counts for lead, counts in model[name].get("rank_histogram", {}).items() if counts}
        if histograms:
            ranks = partial(plot_rank_histograms, histograms, caption=caption, channel_name=name)
            figures.append(partial(plots.drawn, f"ranks_{name}", ranks))
    return figures


def _slug(name: str) -> str:
    return "".join(letter if letter.isalnum() else "_" for letter in name.lower())
