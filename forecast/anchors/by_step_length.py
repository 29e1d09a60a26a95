"""One anchor for each step length, where a model learns several."""

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from forecast.anchors.anchor import Anchor, FittedAnchor
from forecast.states.conditions import step_length_indices


class SteppedAnchor(Anchor):
    """Predicts each sample by the anchor that was fitted to steps of the sample's length.

    Args:
        step_hours: The step lengths, hours.
        make: Makes an anchor that is not fitted; called once for each length.
    """

    def __init__(self, step_hours: Sequence[int], make: Callable[[], FittedAnchor]) -> None:
        super().__init__()
        self.step_hours = tuple(step_hours)
        self.by_hours = nn.ModuleDict({str(hours): make() for hours in self.step_hours})

    def of_step(self, hours: int) -> FittedAnchor:
        """Return the anchor for steps of one length.

        Args:
            hours: One of the step lengths.
        """
        anchor = self.by_hours[str(hours)]
        assert isinstance(anchor, FittedAnchor)
        return anchor

    def forward(
        self,
        past: Float[Tensor, "batch past channel latitude longitude"],
        scalars: Float[Tensor, "batch scalar"],
        years: Int[Tensor, " batch"] | None = None,
    ) -> Float[Tensor, "batch channel latitude longitude"]:
        """Predict the mean of the next state, each sample by the anchor for its step length.

        Args:
            past: Past states, standardised anomalies, oldest first.
            scalars: Season, hour of the day and length of the step, from `step_scalars`.
            years: Only in training: the calendar year of each state that is predicted. Where an anchor was fitted
                without that year, it predicts in place of the one fitted to all years.
        """
        indices = step_length_indices(scalars, self.step_hours)
        result = torch.empty_like(past[:, -1])
        for index in indices.unique().tolist():
            places = indices == index
            years_there = None if years is None else years.to(places.device)[places]
            result[places] = self.of_step(self.step_hours[index])(past[places], scalars[places], years_there)
        return result

    def predict(
        self, past: Float[Tensor, "batch past channel latitude longitude"], scalars: Float[Tensor, "batch scalar"]
    ) -> Float[Tensor, "batch channel latitude longitude"]:
        """Predict by the anchors that were fitted to all years.

        Args:
            past: Past states, standardised anomalies, oldest first.
            scalars: Season, hour of the day and length of the step, from `step_scalars`.
        """
        return self.forward(past, scalars)
