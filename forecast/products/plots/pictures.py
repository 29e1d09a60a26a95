"""Every picture of a run: which there are, what they are called, and making them all."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import xarray as xr

from data_catalog.errors import ConfigurationError
from forecast.products.files.derived import MEMBERS_OF_A_SPREAD
from forecast.products.files.forecast_reading import open_forecast
from forecast.products.files.runs import RunDirectory
from forecast.products.plots.diagnostics import MODEL, Scores, plot_rank_histograms, plot_skill
from forecast.products.plots.figures import Caption
from forecast.products.plots.maps import plot_mean_and_spread, plot_stamps
from forecast.products.plots.plumes import NamedPoint, as_point, plot_plume

HEADLINE_CHANNELS = 3
MAP_LEAD_DAYS = (1, 3, 5, 10)
STAMP_LEAD_DAYS = 5
DAY = np.timedelta64(1, "D")


def plot_run(
    run: Path | str,
    *,
    channels: Sequence[str] = (),
    lead_days: Sequence[float] = MAP_LEAD_DAYS,
    points: Sequence[NamedPoint | Mapping[str, float | str]] = (),
    title: str | None = None,
    simulated: bool | None = None,
    analysis: xr.Dataset | None = None,
    climatology: xr.Dataset | None = None,
    scores: Scores | None = None,
) -> list[Path]:
    """Draw all pictures of a run into its `plots` directory.

    Maps and one stamp chart of the first channel need nothing but the forecast file; plumes need points; skill and
    rank histograms need scores.

    Args:
        run: Run directory with its forecast file; a manifest need not be there yet.
        channels: Those drawn, the headline first; the first three of the file when empty.
        lead_days: Leads of the maps; those that the forecast lacks are left out.
        points: Places with name, latitude and longitude, one plume each.
        title: Of the system, for the headings; the name of the system when None.
        simulated: Whether to say that the weather is simulated; what the file's title says when None.
        analysis: Channels with dims (time, latitude, longitude), for what is known; shown in plumes and stamps.
        climatology: A climatological ensemble in the layout of the forecast, shown in plumes.
        scores: The `scores` table of an evaluation file: system, channel, score, lead hours.

    Returns:
        The pictures, in the order of a reader's interest.
    """
    directory = RunDirectory.at(run)
    with open_forecast(directory.forecast, chunked=False) as forecast:
        fields = forecast[_chosen(forecast, channels)]
        caption = caption_of(forecast, directory.system_name, title=title, simulated=simulated)
        made = _draw_maps(fields, directory.plots, caption, lead_days, analysis)
        made += _draw_plumes(fields, directory.plots, caption, points, analysis, climatology)
    return made + _draw_scores(scores or {}, directory.plots, caption, [str(name) for name in fields.data_vars])


def caption_of(forecast: xr.Dataset, system_name: str, *, title: str | None, simulated: bool | None) -> Caption:
    """The heading of a run's pictures, as far as possible from the forecast itself."""
    said = any("simulated" in str(forecast.attrs.get(name, "")).lower() for name in ("title", "comment", "source"))
    return Caption(
        system_title=title or system_name,
        init_time=np.datetime64(forecast["init_time"].values.item(), "ns"),
        members=forecast.sizes["member"],
        simulated=said if simulated is None else simulated,
    )


def _chosen(forecast: xr.Dataset, channels: Sequence[str]) -> list[str]:
    available = [str(name) for name in forecast.data_vars]
    for name in channels:
        if name not in available:
            raise ConfigurationError(f"picture of {name}: the forecast has {', '.join(available)}")
    return list(channels) or available[:HEADLINE_CHANNELS]


def _draw_maps(
    fields: xr.Dataset, plots: Path, caption: Caption, lead_days: Sequence[float], analysis: xr.Dataset | None
) -> list[Path]:
    leads = fields["lead_time"].values
    mapped = [lead for lead in leads if float(lead / DAY) in {float(day) for day in lead_days}] or [leads[-1]]
    made = []
    if fields.sizes["member"] >= MEMBERS_OF_A_SPREAD:
        for name in fields.data_vars:
            out = plots / f"map_{name}.png"
            made.append(plot_mean_and_spread(fields[name], out, caption=caption, leads=mapped))
    stamped = leads[int(np.argmin(np.abs(leads - STAMP_LEAD_DAYS * DAY)))]
    first = str(next(iter(fields.data_vars)))
    valid_time = caption.init_time + stamped
    known = None
    if analysis is not None and bool((analysis["time"] == valid_time).any()):
        known = analysis[first].sel(time=valid_time)
    stamps = plots / f"stamps_{first}.png"
    made.insert(1, plot_stamps(fields[first], stamps, caption=caption, lead=stamped, analysis=known))
    return made


def _draw_plumes(
    fields: xr.Dataset,
    plots: Path,
    caption: Caption,
    places: Sequence[NamedPoint | Mapping[str, float | str]],
    analysis: xr.Dataset | None,
    climatology: xr.Dataset | None,
) -> list[Path]:
    made = []
    channels = [str(name) for name in fields.data_vars]
    for point in map(as_point, places):
        out = plots / f"plume_{_slug(point.name)}.png"
        plot_plume(
            fields, out, caption=caption, point=point, channels=channels, analysis=analysis, climatology=climatology
        )
        made.append(out)
    return made


def _draw_scores(scores: Scores, plots: Path, caption: Caption, channels: Sequence[str]) -> list[Path]:
    model = scores.get(MODEL, {})
    scored = [name for name in channels if name in model]
    made = [plot_skill(scores, plots / "skill.png", caption=caption, channels=scored)] if scored else []
    for name in scored:
        histograms = {lead: counts for lead, counts in model[name].get("rank_histogram", {}).items() if counts}
        if histograms:
            out = plots / f"ranks_{name}.png"
            made.append(plot_rank_histograms(histograms, out, caption=caption, channel_name=name))
    return made


def _slug(name: str) -> str:
    return "".join(letter if letter.isalnum() else "_" for letter in name.lower())
