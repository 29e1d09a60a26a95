"""The figure of an explanation: maps of what an outcome hangs on, shares of its variance, and the check."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from data_catalog.layout.variables import channel
from forecast.products.ensemble.explanation import Place, cell_areas, place_of
from forecast.products.plots.figures import (
    HEADING_INCHES,
    MARGIN_INCHES,
    Caption,
    clock,
    lead_words,
    new_figure,
    save,
    typography,
)
from forecast.products.plots.geography import Floats, MapFrame, map_frame
from forecast.products.plots.map_panels import MapPanel, Shading, canvas, map_panel, shade
from forecast.products.plots.maps import MAP_WIDTH_INCHES, colour_bar
from forecast.products.plots.palettes import ACCENT, INK, MUTED, SERIES, palette
from forecast.products.plots.styles import departure_levels, level_norm, style_of, title_of

CHANNELS = 3
"""Channels that are drawn as maps: those with the largest shares."""
REFERENCE_KM2 = 1e6
"""Area over which the channel is thought to be changed, km2."""
GAP, LABEL, BAR = 0.25, 0.3, 0.62
CHART_INCHES = 2.9
M2_PER_KM2 = 1e6


def plot_explanation(explanation: xr.Dataset, out: Path, *, caption: Caption, place: str) -> Path:
    """Write the figure that `explanation_figure` makes of the same arguments as PNG; return `out`, its path."""
    with typography():
        return save(explanation_figure(explanation, caption=caption, place=place), out)


def explanation_figure(explanation: xr.Dataset, *, caption: Caption, place: str) -> Figure:
    """Draw what mean (left) and spread (right) of an outcome hang on, and the shares of its variance.

    Maps show the latest state that the members start from, for the channels with the largest shares: how much the
    outcome would change if the channel were changed by one unit over a million km2 there.

    Args:
        explanation: As `plumecast.explain` returns it, with the shares of the initial state.
        caption: Heading.
        place: Name of the place.

    Returns:
        The figure; not one of pyplot's.
    """
    names = _most_important(explanation)
    frame = map_frame(explanation["latitude"].values, explanation["longitude"].values)
    width = (MAP_WIDTH_INCHES - 2 * MARGIN_INCHES - GAP) / 2
    row_height = width / frame.aspect + LABEL + BAR
    height = HEADING_INCHES + len(names) * row_height + CHART_INCHES
    outcome = str(explanation.attrs["outcome_channel"])
    lead = explanation["lead_time"].values[-1]
    title = f"What {_lower(title_of(outcome))} hangs on: {place}, {lead_words(lead).lower()}"
    with typography():
        figure = new_figure(MAP_WIDTH_INCHES, height, f"{title}, valid {clock(caption.init_time + lead)}", caption)
        axes = canvas(figure)
        for row, name in enumerate(names):
            top = height - HEADING_INCHES - row * row_height
            for column, statistic in enumerate(("mean", "spread")):
                left = MARGIN_INCHES + column * (width + GAP)
                panel = map_panel(axes, frame, left, top - LABEL - width / frame.aspect, width)
                shading = _draw_map(panel, explanation, statistic, name)
                words = f"{title_of(name)}: change of the {statistic}"
                figure.text(left / MAP_WIDTH_INCHES, (top - LABEL + 0.07) / height, words, fontsize=9.5, va="bottom")
                colour_bar(figure, left + 0.12 * width, top - row_height + BAR - 0.2, 0.76 * width, shading)
                _mark(panel, frame, place_of(explanation))
        _charts(figure, explanation, height)
    return figure


def _most_important(explanation: xr.Dataset) -> list[str]:
    """Channels by the sum of their shares; a mean or a spread that hangs on no channel has none, and does not count."""
    shares = [explanation[f"{statistic}_share_of_channel"].values for statistic in ("mean", "spread")]
    order = np.argsort(-np.nansum(shares, axis=0), kind="stable")[:CHANNELS]
    return [str(explanation["channel"].values[index]) for index in order]


def _lower(title: str) -> str:
    return title[0].lower() + title[1:]


def _draw_map(panel: MapPanel, explanation: xr.Dataset, statistic: str, name: str) -> Shading:
    outcome = style_of(str(explanation.attrs["outcome_channel"]))
    of, factor = style_of(name), outcome.factor
    per = of.unit
    gradient = explanation[f"{statistic}_to_{name}"].isel(input_time=-1)
    if channel(name).variable.accumulation_hours is not None and "-1" not in gradient.attrs["units"]:
        per = "standard deviation"
    else:
        factor /= of.factor
    field: Floats = (gradient / cell_areas(explanation) * (REFERENCE_KM2 * M2_PER_KM2) * factor).values
    plain = replace(of, centre=0.0, levels=None, bounded=False)
    power = min(0.0, np.floor(np.log10(max(float(np.max(departure_levels([field]))), 1e-30))))
    field, multiple = field / 10**power, "" if power == 0 else f"{10**power:g} "
    levels = departure_levels([field])
    shading = Shading(
        levels,
        level_norm(levels, plain),
        palette("warmth"),
        "neither",
        f"{multiple}{outcome.unit} per {per} over 1 million km²",
    )
    shade(panel, field, plain, shading)
    return shading


def _mark(panel: MapPanel, frame: MapFrame, place: Place) -> None:
    (point,) = frame.place(np.array([place.latitude]), np.array([place.longitude]))
    x, y = panel.to_pixels.transform(point)
    panel.axes.plot(
        [x], [y], marker="x", markersize=7, markeredgewidth=1.8, color=INK, zorder=6, scalex=False, scaley=False
    )


def _charts(figure: Figure, explanation: xr.Dataset, height: float) -> None:
    """Three charts below the maps: shares of the channels, of the lead steps, and the check."""
    draw = (_draw_channels, _draw_steps, _draw_check)
    for index, (left, width) in enumerate(((0.085, 0.225), (0.40, 0.225), (0.72, 0.25))):
        axes = figure.add_axes((left, 0.5 / height, width, (CHART_INCHES - 1.05) / height))
        axes.spines[["top", "right"]].set_visible(False)
        draw[index](axes, explanation)


def _draw_channels(axes: Axes, explanation: xr.Dataset) -> None:
    """Shares of the channels; of the rings around the place where there is a single channel."""
    what, title, names = "channel", "Channels of the initial state", explanation["channel"].values.tolist()
    if len(names) == 1:
        what, title = "ring", "Distance from the place, km"
        names = [*(f"to {edge:.0f}" for edge in explanation["ring"].values[:-1]), "beyond"]
    places = np.arange(len(names))
    for shift, statistic, colour in ((-0.2, "mean", ACCENT), (0.2, "spread", SERIES[1])):
        values = 100 * explanation[f"{statistic}_share_of_{what}"].values
        axes.barh(places + shift, values, 0.38, color=colour, label=f"of the {statistic}")
    axes.set_yticks(places, names)
    axes.invert_yaxis()
    axes.set_xlabel("% of the squared sensitivity")
    axes.set_title(title, loc="left", fontsize=9)
    axes.legend(loc="lower right", handlelength=1.0)


def _draw_steps(axes: Axes, explanation: xr.Dataset) -> None:
    leads = [lead_words(lead).replace("Day ", "") for lead in explanation["lead_time"].values]
    places = np.arange(len(leads))
    linear, total = 100 * explanation["linear_share"].values, 100 * explanation["total_share"].values
    axes.bar(places - 0.2, linear, 0.38, color=ACCENT, label="linear part")
    error = 100 * explanation["total_share_error"].values
    axes.bar(
        places + 0.2,
        total,
        0.38,
        color=SERIES[1],
        yerr=error,
        ecolor=MUTED,
        capsize=2,
        label="all that it takes part in",
    )
    axes.set_xticks(places, leads)
    axes.set_ylim(0.0, 1.35 * np.nanmax([1.0, *linear, *(total + error)]))
    axes.set_xlabel("noise of day" if all(lead.isdigit() for lead in leads) else "noise of lead time")
    axes.set_ylabel("% of the variance")
    axes.set_title("Noise", loc="left", fontsize=9)
    axes.legend(loc="upper right", handlelength=1.0)


def _draw_check(axes: Axes, explanation: xr.Dataset) -> None:
    """Changes relative to the largest predicted one of their kind, so that all kinds are seen."""
    kinds = explanation["perturbation"].values
    lines = []
    for statistic, colour, marker in (("mean", ACCENT, "o"), ("spread", SERIES[1], "s")):
        predicted, measured = (
            explanation[f"{source}_{statistic}_change"].values for source in ("predicted", "measured")
        )
        scale = np.array([np.abs(predicted[kinds == kind]).max() for kind in kinds])
        scale = np.where(scale > 0, scale, np.nan)
        label = f"{statistic}: r = {float(explanation.attrs[f'check_correlation_{statistic}']):.3f}"
        axes.scatter(predicted / scale, measured / scale, s=14, color=colour, marker=marker, label=label, zorder=3)
        lines += [*(predicted / scale), *(measured / scale)]
    reach = 1.05 * float(np.nanmax([1.0, *np.abs(lines)]))
    axes.plot([-reach, reach], [-reach, reach], color=MUTED, linewidth=0.8, zorder=1)
    axes.set(xlim=(-reach, reach), ylim=(-reach, reach), xlabel="predicted change", ylabel="measured change")
    axes.set_title("Check: perturbed and run again", loc="left", fontsize=9)
    axes.legend(loc="upper left", handlelength=1.0)
