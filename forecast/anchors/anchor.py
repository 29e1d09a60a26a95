"""The interface of all anchors: a forecast of the mean, also by anchors that were fitted without the year in question.

An anchor has smaller errors in the years that it was fitted to than in others. Members trained on those errors
would be under-dispersive. Cross-fitting avoids this: in training, each year is predicted by an anchor that was
fitted to the other years.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn


class Anchor(nn.Module, ABC):
    """A predictor of the next standardised anomalies from past ones. Its fitted numbers are saved in the checkpoint."""

    def __init__(self) -> None:
        super().__init__()
        self._without: dict[int, Anchor] = {}  # only for training, so not a part of the module's state

    @abstractmethod
    def predict(
        self, past: Float[Tensor, "batch past channel latitude longitude"], scalars: Float[Tensor, "batch scalar"]
    ) -> Float[Tensor, "batch channel latitude longitude"]:
        """Predict the next state by this anchor, which was fitted to all years of training.

        Args:
            past: Past states, standardised anomalies, oldest first.
            scalars: Season, hour of the day and length of the step, from `step_scalars`.
        """

    def forward(
        self,
        past: Float[Tensor, "batch past channel latitude longitude"],
        scalars: Float[Tensor, "batch scalar"],
        years: Int[Tensor, " batch"] | None = None,
    ) -> Float[Tensor, "batch channel latitude longitude"]:
        """Predict the mean of the next state.

        Args:
            past: Past states, standardised anomalies, oldest first.
            scalars: Season, hour of the day and length of the step, from `step_scalars`.
            years: Only in training: the calendar year of each state that is predicted. Where an anchor was fitted
                without that year, it predicts in place of this one.
        """
        if years is None or not self._without:
            return self.predict(past, scalars)
        chosen = [self._without.get(year, self) for year in years.tolist()]
        result = torch.empty_like(past[:, -1])
        for anchor in dict.fromkeys(chosen):
            places = torch.tensor([each is anchor for each in chosen], device=past.device)
            result[places] = anchor.to(past.device).predict(past[places], scalars[places])
        return result

    def use_for_years(self, years: Iterable[int], anchor: "Anchor") -> None:
        """Let another anchor predict some years in training.

        Args:
            years: Calendar years that `anchor` was fitted without.
            anchor: The anchor that predicts them.
        """
        self._without.update(dict.fromkeys(years, anchor))


class PersistenceAnchor(Anchor):
    """Predicts that the latest anomaly persists."""

    def predict(
        self, past: Float[Tensor, "batch past channel latitude longitude"], scalars: Float[Tensor, "batch scalar"]
    ) -> Float[Tensor, "batch channel latitude longitude"]:
        """Return the latest state.

        Args:
            past: Past states, standardised anomalies, oldest first.
            scalars: Not used.
        """
        del scalars
        return past[:, -1]


class FittedAnchor(Anchor):
    """An anchor that is fitted by a regression of each training state on the states before it."""

    @abstractmethod
    def fresh(self) -> "FittedAnchor":
        """Return another anchor with the same options, not fitted."""

    @abstractmethod
    def fit(
        self,
        states: Float[Tensor, "time channel latitude longitude"],
        starts: Int[Tensor, "sample past_and_next"],
        area_weights: Float[Tensor, "latitude 1"],
    ) -> None:
        """Fit to training states.

        Args:
            states: Standardised anomalies.
            starts: For each sample, the indices in `states` of its past states, oldest first, and of the next one.
            area_weights: Weight of each latitude, mean 1.

        Raises:
            ValueError: There are fewer states than the anchor has patterns.
        """

    def fit_without_each_year(
        self,
        states: Float[Tensor, "time channel latitude longitude"],
        starts: Int[Tensor, "sample past_and_next"],
        years: Int[Tensor, " time"],
        area_weights: Float[Tensor, "latitude 1"],
    ) -> None:
        """Fit one more anchor for each year, to the samples without a state in that year, and let it predict the year.

        Args:
            states: Standardised anomalies.
            starts: For each sample, the indices in `states` of its past states, oldest first, and of the next one.
            years: Calendar year of each state.
            area_weights: Weight of each latitude, mean 1.

        Raises:
            ValueError: All samples are of one year.
        """
        sampled = years[starts[:, -1]].unique().tolist()
        if len(sampled) < 2:
            raise ValueError(f"years: expected two or more, found {sampled}")
        for year in sampled:
            kept = years != year
            kept_index = kept.cumsum(0) - 1
            elsewhere = starts[kept[starts].all(dim=1)]
            anchor = self.fresh()
            anchor.fit(states[kept], kept_index[elsewhere], area_weights)
            self.use_for_years([year], anchor)
