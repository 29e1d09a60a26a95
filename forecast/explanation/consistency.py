"""A check of gradients by the model's own forecasts: perturb the input, run the members again, compare the changes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from forecast.explanation.gradients import Ensemble, Sensitivity
from forecast.explanation.outcome import Outcome

Kind = Literal["random", "along the map of the mean", "along the map of the spread"]
RANDOM_SIZE = 0.01
"""Standard deviation of random perturbations at each point, in standard deviations of the channel."""
ALONG = 4
"""Perturbations along the maps of mean and spread, with either sign."""
ALONG_SIZE = 0.05
"""Predicted change of a perturbation along a map, in spreads of the outcome."""


@dataclass(frozen=True, eq=False)
class ConsistencyCheck:
    """Predicted and measured changes of the ensemble for some perturbations of its past states.

    Attributes:
        kinds: What each perturbation is.
        sizes: Its root mean square over all points, in standard deviations of the channels, (perturbation,).
        predicted: Change of mean and of spread from the gradients, (2, perturbation), in the unit of the channel.
        measured: Change when the members are run again with the same noise.
    """

    kinds: tuple[Kind, ...]
    sizes: NDArray[np.float64]
    predicted: NDArray[np.float64]
    measured: NDArray[np.float64]

    def correlation(self, of: Literal["mean", "spread"], *, random_only: bool = False) -> float:
        """Return the correlation of predicted and measured changes; about zero, as both signs are equally likely.

        Perturbations along a map change the outcome far more than random ones, so that each kind is first brought to
        the scale of its own predictions: the correlation is not that of the largest few.

        Args:
            of: The change: that of the mean or of the spread.
            random_only: Whether to leave out perturbations along a map.
        """
        row = ("mean", "spread").index(of)
        products = np.zeros(3)
        for kind in dict.fromkeys(self.kinds):
            if random_only and kind != "random":
                continue
            these = np.array([each == kind for each in self.kinds])
            predicted, measured = self.predicted[row, these], self.measured[row, these]
            scale = float(np.sqrt(np.mean(predicted**2)))
            if scale > 0:
                predicted, measured = predicted / scale, measured / scale
                products += predicted @ measured, predicted @ predicted, measured @ measured
        return float(products[0] / np.sqrt(products[1] * products[2])) if products[1:].min() > 0 else float("nan")


def check_consistency(
    ensemble: Ensemble,
    outcome: Outcome,
    found: Sensitivity,
    *,
    random: int = 8,
    seed: int = 0,
    done: Callable[[int], object] = lambda _: None,
) -> ConsistencyCheck:
    """Perturb the past states at random and along the maps, and run the members again with the same noise.

    Args:
        ensemble: The members.
        outcome: The outcome.
        found: Their sensitivity.
        random: Number of random perturbations, independent at each point.
        seed: Seed of these.
        done: Called with the number of members after each perturbation.
    """
    maps = {"mean": found.state.mean, "spread": found.state.spread}
    before = _mean_and_spread(found.outcomes)
    kinds: list[Kind] = []
    rows: list[tuple[float, list[float], list[float]]] = []
    for kind, change in _perturbations(maps, float(found.outcomes.std()), random, seed):
        after = _mean_and_spread(ensemble.outcomes(outcome, change.float().to(ensemble.starts.device)))
        predicted = [float((each * change).sum()) for each in maps.values()]
        measured = [new - old for new, old in zip(after, before, strict=True)]
        kinds.append(kind)
        rows.append((float(change.square().mean().sqrt()), predicted, measured))
        done(len(ensemble.members))
    sizes, changes, again = zip(*rows, strict=True)
    return ConsistencyCheck(tuple(kinds), np.array(sizes), np.array(changes).T, np.array(again).T)


def _perturbations(
    maps: dict[str, Float[Tensor, "past channel latitude longitude"]], spread: float, random: int, seed: int
) -> list[tuple[Kind, Tensor]]:
    generator = torch.Generator().manual_seed(seed)
    shape = maps["mean"].shape
    made: list[tuple[Kind, Tensor]] = [
        ("random", RANDOM_SIZE * torch.randn(shape, generator=generator, dtype=torch.float64)) for _ in range(random)
    ]
    along: tuple[tuple[Kind, Tensor], ...] = (
        ("along the map of the mean", maps["mean"]),
        ("along the map of the spread", maps["spread"]),
    )
    for kind, gradient in along:
        steepness = float(gradient.square().sum())
        if steepness > 0 and spread > 0:
            made += [(kind, sign * ALONG_SIZE * spread / steepness * gradient) for sign in (1.0, -1.0)]
    return made


def _mean_and_spread(outcomes: Tensor) -> tuple[float, float]:
    return float(outcomes.mean()), float(outcomes.std())
