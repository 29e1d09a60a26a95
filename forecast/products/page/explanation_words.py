"""An explanation in a few sentences that a forecaster understands, derived from its figures."""

import numpy as np
import xarray as xr

from forecast.products.ensemble.explanation import centre_of, direction, distances_km, place_of, radius_of_half_km
from forecast.products.plots.figures import lead_words
from forecast.products.plots.styles import style_of, title_of

PASSED = 0.9
"""Correlation of predicted and measured changes above which the maps are taken as right for small changes."""


def explanation_words(explanation: xr.Dataset, place: str) -> str:
    """Return what an outcome hangs on, in a few sentences.

    Args:
        explanation: As `plumecast.explain` returns it, with the shares of the initial state.
        place: Name of the place.
    """
    outcome = str(explanation.attrs["outcome_channel"])
    style, values = style_of(outcome), explanation["outcome"].values
    unit = style.unit.replace("$^{-1}$", "-1").replace("$", "")
    mean, spread = float(values.mean()) * style.factor, float(values.std(ddof=1)) * style.factor
    first = (
        f"{title_of(outcome)} at {place}, {lead_words(explanation['lead_time'].values[-1]).lower()}: "
        f"mean {mean:.1f} {unit}, spread {spread:.2f} {unit} ({values.size} members)."
    )
    states = [_of_state(explanation, statistic) for statistic in ("mean", "spread")]
    return " ".join([first, *states, _of_noise(explanation), _of_check(explanation)])


def _of_state(explanation: xr.Dataset, statistic: str) -> str:
    shares = explanation[f"{statistic}_share_of_channel"]
    if not bool(np.isfinite(shares.values).all()):
        return f"The {statistic} does not hang on the initial state."
    names = _largest(shares)
    latitude, longitude = centre_of(explanation, statistic)
    at = {"latitude": latitude, "longitude": longitude}
    place = place_of(explanation)
    away = distances_km(explanation, place).assign_coords(explanation[["latitude", "longitude"]].coords)
    distance = float(away.sel(at))
    where = (
        "at the place" if distance < 1 else f"{_rounded(distance)} km to the {direction(place, latitude, longitude)}"
    )
    return (
        f"The {statistic} hangs most on the initial {names}, and on the weather {where}; half of the squared "
        f"sensitivity lies within {_rounded(radius_of_half_km(explanation, statistic))} km."
    )


def _largest(shares: xr.DataArray) -> str:
    """The two channels of the largest shares; a single channel has no share worth telling."""
    order = np.argsort(-shares.values)[:2]
    titles = [_lower(title_of(str(shares["channel"].values[index]))) for index in order]
    if len(titles) == 1:
        return titles[0]
    return " and ".join(f"{title} ({float(shares[index]):.0%})" for title, index in zip(titles, order, strict=True))


def _of_noise(explanation: xr.Dataset) -> str:
    share, error = explanation["total_share"].values, explanation["total_share_error"].values
    if not np.isfinite(share).all():
        return "All members are the same."
    largest = int(share.argmax())
    lead = _lower(lead_words(explanation["lead_time"].values[largest]))
    linear = explanation["linear_share"].values
    return (
        f"The noise of {lead} takes part in {share[largest]:.0%} (± {error[largest]:.0%}) of the variance, more than "
        f"that of any other step; all steps together bring {linear.sum():.0%} of it linearly."
    )


def _of_check(explanation: xr.Dataset) -> str:
    found = [float(explanation.attrs[f"check_correlation_{statistic}"]) for statistic in ("mean", "spread")]
    count = explanation.sizes["perturbation"]
    if not np.isfinite(found).all():
        return "The check could not be made: nothing that was perturbed was to change the outcome."
    verdict = "as the maps predict" if min(found) > PASSED else "not as the maps predict, so do not rely on them"
    return (
        f"In {count} forecasts from slightly perturbed states mean and spread changed {verdict} (correlation "
        f"{found[0]:.3f} and {found[1]:.3f})."
    )


def _rounded(distance: float) -> str:
    return f"{round(distance / 50) * 50 or round(distance):d}"


def _lower(title: str) -> str:
    return title[0].lower() + title[1:]
