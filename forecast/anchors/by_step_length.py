"""An anchor for each length of a step, where one model learns several."""

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from forecast.anchors.anchor import Anchor, FittedAnchor
from forecast.states.conditions import step_numbers


class SteppedAnchor(Anchor):
    """Predicts each sample by the anchor that was fitted to steps of its length.

    Args:
        step_hours: The lengths.
        make: An anchor that is not fitted; called once for each.
    """

    def __init__(self, step_hours: Sequence[int], make: Callable[[], FittedAnchor]) -> None:
        super().__init__()
        self.step_hours = tuple(step_hours)
        self.by_hours = nn.ModuleDict({str(hours): make() for hours in self.step_hours})

    def of_step(self, hours: int) -> FittedAnchor:
        """The anchor of steps of one length."""
        anchor = self.by_hours[str(hours)]
        assert isinstance(anchor, FittedAnchor)
        return anchor

    def forward(
        self,
        past: Float[Tensor, "batch past channel latitude longitude"],
        scalars: Float[Tensor, "batch scalar"],
        years: Int[Tensor, " batch"] | None = None,
    ) -> Float[Tensor, "batch channel latitude longitude"]:
        """See `Anchor.forward`."""
        numbers = step_numbers(scalars, self.step_hours)
        result = torch.empty_like(past[:, -1])
        for number in numbers.unique().tolist():
            places = numbers == number
            of_these = None if years is None else years.to(places.device)[places]
            result[places] = self.of_step(self.step_hours[number])(past[places], scalars[places], of_these)
        return result

    def predict(self, past: Float[Tensor, "batch past channel latitude longitude"], scalars: Tensor) -> Tensor:
        """The forecasts of the anchors that were fitted to all years."""
        return self.forward(past, scalars)
