"""What all anchors have in common: a forecast of the mean, and others that were fitted without some years."""

from abc import ABC, abstractmethod
from collections.abc import Iterable

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn


class Anchor(nn.Module, ABC):
    """A predictor of the next standardised anomalies from past ones; its numbers travel in the checkpoint."""

    def __init__(self) -> None:
        super().__init__()
        self._without: dict[int, Anchor] = {}  # of no use to a forecast, so no part of the module's state

    @abstractmethod
    def predict(
        self, past: Float[Tensor, "batch past channel latitude longitude"], scalars: Float[Tensor, "batch scalar"]
    ) -> Float[Tensor, "batch channel latitude longitude"]:
        """The anchor's own forecast."""

    def forward(
        self,
        past: Float[Tensor, "batch past channel latitude longitude"],
        scalars: Float[Tensor, "batch scalar"],
        years: Int[Tensor, " batch"] | None = None,
    ) -> Float[Tensor, "batch channel latitude longitude"]:
        """Mean of the next state.

        Args:
            past: Latest states, oldest first.
            scalars: As `step_scalars` gives them.
            years: Calendar year of each forecast state, in training: it is then predicted by an anchor that was fitted
                without that year, if there is one.
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
        """From now on predict these years by an anchor that was fitted without them."""
        self._without.update(dict.fromkeys(years, anchor))


class PersistenceAnchor(Anchor):
    """The latest anomaly stays as it is."""

    def predict(self, past: Float[Tensor, "batch past channel latitude longitude"], scalars: Tensor) -> Tensor:
        """The latest state."""
        del scalars
        return past[:, -1]


class FittedAnchor(Anchor):
    """An anchor that is found by regression of training states on those before them."""

    @abstractmethod
    def fresh(self) -> "FittedAnchor":
        """Another one of the same shape, not fitted."""

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
            starts: Indices into `states`: the past states of each sample, oldest first, and the next one.
            area_weights: Mean 1.

        Raises:
            ConfigurationError: They are too few for what the anchor keeps.
        """

    def fit_without_each_year(
        self,
        states: Float[Tensor, "time channel latitude longitude"],
        starts: Int[Tensor, "sample past_and_next"],
        years: Int[Tensor, " time"],
        area_weights: Float[Tensor, "latitude 1"],
    ) -> None:
        """For each year fit another anchor to samples with no state in that year, and predict the year by it.

        Args:
            states: See `fit`.
            starts: See `fit`.
            years: Calendar year of each state.
            area_weights: See `fit`.

        Raises:
            ValueError: There is one year only.
        """
        named = years[starts[:, -1]].unique().tolist()
        if len(named) < 2:
            raise ValueError(f"anchor.cross_fitted: expected two years of training or more, found {named}")
        for year in named:
            kept = years != year
            number = kept.cumsum(0) - 1  # of each state among those that are kept
            elsewhere = starts[kept[starts].all(dim=1)]
            anchor = self.fresh()
            anchor.fit(states[kept], number[elsewhere], area_weights)
            self.use_for_years([year], anchor)
