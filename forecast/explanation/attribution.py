"""Shares of an outcome's variance: how much comes from the noise of which lead step."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from forecast.explanation.gradients import Ensemble
from forecast.explanation.outcome import Outcome

REDRAWN = 1_000_000
"""Added to the number of a member, it gives the number of the member whose noise it gets instead."""


@dataclass(frozen=True, eq=False)
class TotalShares:
    """The share of the variance that the noise of each lead step takes part in, alone or with other noise.

    Attributes:
        share: By lead step, (lead_step,).
        error: Standard error over members.
    """

    share: NDArray[np.float64]
    error: NDArray[np.float64]


@torch.no_grad()
def total_shares(ensemble: Ensemble, outcome: Outcome, done: Callable[[int], object] = lambda _: None) -> TotalShares:
    """Draw the noise of each lead step anew, all other noise kept, and measure how far the outcome moves.

    Args:
        ensemble: The members, at least 3.
        outcome: The outcome.
        done: Called with the number of members after each batch.

    Source: total index of Jansen (1999), doi:10.1016/S0010-4655(98)00154-4; Saltelli et al. (2010), table 2 (f),
        doi:10.1016/j.cpc.2009.09.018. Errors: jackknife over members.
    """
    steps = outcome.lead_step
    kept = np.zeros(len(ensemble.members))
    redrawn = np.zeros((steps, len(ensemble.members)))
    for batch in ensemble.batches():
        positions = ensemble.positions(batch)
        pasts = [ensemble.past_of(batch)]
        pasts += list(ensemble.rollout(batch, pasts[0], range(1, steps + 1)))
        kept[positions] = outcome.of_states(pasts[-1][:, -1]).cpu().numpy()
        for step in range(1, steps + 1):

            def noise(lead_step: int, draw: int, batch: tuple[int, ...] = batch, step: int = step) -> torch.Tensor:
                moved = tuple(member + REDRAWN for member in batch) if lead_step == step else batch
                return ensemble.noise_of(moved, lead_step, draw)

            *_, last = ensemble.rollout(batch, pasts[step - 1], range(step, steps + 1), noise)
            redrawn[step - 1, positions] = outcome.of_states(last[:, -1]).cpu().numpy()
        done(len(batch))
    return shares_of(kept, redrawn)


def shares_of(kept: NDArray[np.float64], redrawn: NDArray[np.float64]) -> TotalShares:
    """Return shares of the variance from outcomes with all noise, and with that of one lead step drawn anew.

    Args:
        kept: (member,).
        redrawn: (lead_step, member).
    """
    squares = (redrawn - kept) ** 2 / 2
    count = kept.size
    error = np.sqrt((count - 1) * _without_each(squares, kept, redrawn).var(axis=1))
    return TotalShares(_ratio(squares.mean(axis=1), kept.var(ddof=1), redrawn.var(axis=1, ddof=1)), error)


def _ratio(
    squares: NDArray[np.float64], kept: NDArray[np.float64] | float, redrawn: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Mean square by variance; of the latter each lead step has two samples."""
    variance = (kept + redrawn) / 2
    shares: NDArray[np.float64] = squares / np.where(variance > 0, variance, np.nan)
    return shares


def _without_each(
    squares: NDArray[np.float64], kept: NDArray[np.float64], redrawn: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The shares without each member in turn, (lead_step, member)."""
    count = kept.size

    def variance(values: NDArray[np.float64]) -> NDArray[np.float64]:
        departures = (values - values.mean(axis=-1, keepdims=True)) ** 2
        rest: NDArray[np.float64] = departures.sum(axis=-1, keepdims=True) - departures * count / (count - 1)
        return rest / (count - 2)

    means = (squares.sum(axis=1, keepdims=True) - squares) / (count - 1)
    return _ratio(means, variance(kept), variance(redrawn))
