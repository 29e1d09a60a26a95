"""An explanation as a dataset, in physical units."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from torch import Tensor

from data_catalog.layout.variables import channel
from forecast.explanation.attribution import TotalShares, total_shares
from forecast.explanation.consistency import ALONG, ConsistencyCheck, check_consistency
from forecast.explanation.gradients import Ensemble, Sensitivity, sensitivity
from forecast.explanation.outcome import Outcome
from forecast.states.standardiser import Standardiser, is_amount
from forecast.states.starts import past_times

SPACE = ("latitude", "longitude")
STATE = ("input_time", *SPACE)
STEPS = ("lead_time", "channel", *SPACE)
NOISE = ("lead_time", "draw", "channel", *SPACE)
PERTURBED = ("perturbation",)


@dataclass(frozen=True, eq=False)
class Explanation:
    """What the outcome of an ensemble hangs on.

    Attributes:
        ensemble: The members.
        outcome: The outcome.
        sensitivity: How its mean and spread change with each input.
        totals: Shares of its variance by lead step.
        check: What perturbations changed.
    """

    ensemble: Ensemble
    outcome: Outcome
    sensitivity: Sensitivity
    totals: TotalShares
    check: ConsistencyCheck


PARTS = ("gradients", "noise drawn anew", "check")


def explain(
    ensemble: Ensemble, outcome: Outcome, *, random: int = 8, done: Callable[[int, str], object] = lambda *_: None
) -> Explanation:
    """Compute gradients of an outcome, share out its variance, and check the gradients.

    Args:
        ensemble: The members, at least 3.
        outcome: The outcome.
        random: Number of random perturbations of the check.
        done: Called with the number of members that are computed, of `computations`, and the name of the part.
    """
    made = 0

    def counted(part: str, members: int) -> None:
        nonlocal made
        made += members
        done(made, part)

    gradients, redrawn, checked = (partial(counted, part) for part in PARTS)
    found = sensitivity(ensemble, outcome, gradients)
    totals = total_shares(ensemble, outcome, redrawn)
    check = check_consistency(ensemble, outcome, found, random=random, done=checked)
    return Explanation(ensemble, outcome, found, totals, check)


def computations(members: int, *, random: int = 8) -> int:
    """Return how often a member is computed for an explanation, in all its parts, at most.

    Args:
        members: Size of the ensemble.
        random: Number of random perturbations of the check.
    """
    return members * (2 + random + ALONG)


def explanation_dataset(explanation: Explanation) -> xr.Dataset:
    """Return an explanation as a dataset.

    Args:
        explanation: What an outcome hangs on.

    Returns:
        For each channel `mean_to_<channel>` and `spread_to_<channel>`, (input_time, latitude, longitude): change of the
        outcome's mean and spread for a unit more of the channel at one grid point, in units such as Pa K-1; for
        amounts such as precipitation, whose square root the model knows, for one standard deviation of it.
        `mean_to_anchor`, `spread_to_anchor` (lead_time, channel, latitude, longitude) and `mean_to_noise`,
        `spread_to_noise` (lead_time, draw, ...): for one standard deviation. `noise_variance`: variance that the noise
        brings linearly; `linear_share`, `upper_bound` and `total_share` of the lead steps, with `total_share_error`.
        `outcome` of each member, `outcome_weight` of each grid point, `standard_deviation` of each channel, and the
        changes that the check predicted and measured.
    """
    outcome, ensemble, found = explanation.outcome, explanation.ensemble, explanation.sensitivity
    standardiser, grid = outcome.standardiser, ensemble.checkpoint.grid
    unit, state = channel(outcome.channel).variable.units, ensemble.system.state
    fields = _state_fields(found, standardiser, unit) | _step_fields(found, unit)
    fields |= _shares(explanation) | _check_fields(explanation.check, unit)
    step = np.timedelta64(state.step_hours, "h").astype("timedelta64[ns]")
    names = list(standardiser.channels)
    fields["outcome"] = _field(("member",), found.outcomes.numpy(), "outcome of each member", unit)
    fields["outcome_weight"] = _field(SPACE, outcome.weights, "weight of each grid point in the outcome", "1")
    deviations = np.array([1.0 if is_amount(name) else deviation for name, deviation in _deviations(standardiser)])
    fields["standard_deviation"] = _field(
        ("channel",), deviations, "standard deviation of each channel, in the unit that it is changed by", "1"
    )
    return xr.Dataset(
        fields,
        coords={
            "latitude": grid.latitude,
            "longitude": grid.longitude,
            "channel": names,
            "member": list(ensemble.members),
            "lead_time": np.arange(1, outcome.lead_step + 1) * step,
            "input_time": past_times(ensemble.init_time, state.past_states, state.step_hours),
            "perturbation": list(explanation.check.kinds),
            "init_time": ensemble.init_time,
        },
        attrs={
            "outcome_channel": outcome.channel,
            "check_correlation_mean": explanation.check.correlation("mean"),
            "check_correlation_spread": explanation.check.correlation("spread"),
        },
    )


def _field(dims: tuple[str, ...], values: NDArray[np.float64], words: str, unit: str) -> xr.Variable:
    return xr.Variable(dims, values, {"long_name": words, "units": unit})


def _deviations(standardiser: Standardiser) -> list[tuple[str, float]]:
    return [(name, float(std)) for name, std in zip(standardiser.channels, standardiser.std, strict=True)]


def _state_fields(found: Sensitivity, standardiser: Standardiser, unit: str) -> dict[str, xr.Variable]:
    fields = {}
    gradients: dict[str, Tensor] = {"mean": found.state.mean, "spread": found.state.spread}
    for statistic, gradient in gradients.items():
        for index, (name, deviation) in enumerate(_deviations(standardiser)):
            of = channel(name).variable
            amount = is_amount(name)
            per = "one standard deviation of the square root" if amount else "one unit"
            units = unit if amount else f"{unit} ({of.units})-1"
            values = gradient[:, index].numpy() / (1.0 if amount else deviation)
            words = f"change of the {statistic} of the outcome for {per} more of {of.long_name} at a grid point"
            fields[f"{statistic}_to_{name}"] = _field(STATE, values, words, units)
    return fields


def _step_fields(found: Sensitivity, unit: str) -> dict[str, xr.Variable]:
    fields = {}
    for what, moments, dims in (("anchor", found.anchor, STEPS), ("noise", found.noise, NOISE)):
        of = "the anchor's forecast" if what == "anchor" else "the noise"
        for statistic, gradient in (("mean", moments.mean), ("spread", moments.spread)):
            words = f"change of the {statistic} of the outcome for one standard deviation more of {of} at a grid point"
            fields[f"{statistic}_to_{what}"] = _field(dims, gradient.numpy(), words, unit)
    brought = found.noise.linear_variance.sum(dim=1).numpy()
    words = "variance of the outcome that the noise of a grid point brings linearly, estimated without bias"
    return fields | {"noise_variance": _field(STEPS, brought, words, f"({unit})2")}


def _shares(explanation: Explanation) -> dict[str, xr.Variable]:
    noise, variance = explanation.sensitivity.noise, float(explanation.sensitivity.outcomes.var())
    rest, totals, along = (1, 2, 3, 4), explanation.totals, ("lead_time",)
    scale = 1 / variance if variance > 0 else float("nan")
    linear, bound = (scale * each.sum(rest).numpy() for each in (noise.linear_variance, noise.mean_square))
    return {
        "linear_share": _field(
            along, linear, "share of the variance that the noise of a lead step brings linearly", "1"
        ),
        "upper_bound": _field(along, bound, "mean squared gradient of the noise of a lead step by the variance", "1"),
        "total_share": _field(
            along, totals.share, "share of the variance that the noise of a lead step takes part in", "1"
        ),
        "total_share_error": _field(along, totals.error, "standard error of total_share", "1"),
    }


def _check_fields(check: ConsistencyCheck, unit: str) -> dict[str, xr.Variable]:
    fields = {"perturbation_size": _field(PERTURBED, check.sizes, "root mean square in standard deviations", "1")}
    for source, changes in (("predicted", check.predicted), ("measured", check.measured)):
        for statistic, values in zip(("mean", "spread"), changes, strict=True):
            words = f"{source} change of the {statistic} of the outcome"
            fields[f"{source}_{statistic}_change"] = _field(PERTURBED, values, words, unit)
    return fields
