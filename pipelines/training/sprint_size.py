"""Sizes a training that must fit into a few minutes of a fast device, by the speed that was measured on it."""

from collections.abc import Sequence
from dataclasses import dataclass

from data_catalog.errors import ConfigurationError

MOST_PASSES = 6.0
"""Times that the recipe's iterations are taken at most; a small archive is learned by heart by more."""
SHARE_OF_TIME = 0.85
"""Share of the time that is planned for iterations; the rest is for checkpoints, validation and compiling."""
_BYTES_OF_WEIGHT = 1 + 4 / 64
"""A weight stored as `int8`, and its part of the scale of 64 weights."""
_OTHER_BYTES = 4e6
"""Climatology and anchor of a checkpoint on a 32 x 64 grid, with ten channels."""


@dataclass(frozen=True)
class Speed:
    """The measured speed of a network in training.

    Attributes:
        widths: Channels of the network at each resolution.
        parameters: Number of weights.
        stage_seconds: Seconds of an iteration in each stage of the recipe.
    """

    widths: tuple[int, ...]
    parameters: int
    stage_seconds: tuple[float, ...]

    @property
    def stored_bytes(self) -> float:
        """Size of the checkpoint's file of weights, about."""
        return _OTHER_BYTES + _BYTES_OF_WEIGHT * self.parameters

    def seconds(self, iterations: Sequence[int]) -> float:
        """Return how long the iterations of all stages take."""
        return sum(count * each for count, each in zip(iterations, self.stage_seconds, strict=True))


@dataclass(frozen=True)
class SprintSize:
    """The size of a training.

    Attributes:
        widths: Channels of the network at each resolution.
        iterations: Iterations of each stage.
        expected_seconds: How long they take at the measured speed.
    """

    widths: tuple[int, ...]
    iterations: tuple[int, ...]
    expected_seconds: float


def choose_sprint_size(
    speeds: Sequence[Speed], recipe: Sequence[int], seconds: float, *, largest_bytes: float
) -> SprintSize:
    """Choose the largest network that completes a recipe in the time; time that is left lengthens all stages alike.

    If none completes it, the one that comes furthest is taken, and all stages are shortened alike.

    Args:
        speeds: Measured speeds of the networks to choose from.
        recipe: Iterations of each stage that a network needs.
        seconds: Time for the whole training.
        largest_bytes: Largest file of weights.

    Raises:
        ConfigurationError: No network is small enough, or there is no time.
    """
    fitting = [speed for speed in speeds if speed.stored_bytes <= largest_bytes]
    if not fitting:
        smallest = min((speed.stored_bytes for speed in speeds), default=0.0)
        raise ConfigurationError(
            f"size of the network: expected weights of at most {largest_bytes / 1e6:g} MB, "
            f"found {smallest / 1e6:.3g} MB for the smallest of {len(speeds)}"
        )
    if seconds <= 0:
        raise ConfigurationError(f"time for training: expected some, found {seconds:.0f} s; give more --minutes")
    passes = {speed: SHARE_OF_TIME * seconds / speed.seconds(recipe) for speed in fitting}
    complete = [speed for speed in fitting if passes[speed] >= 1]
    chosen = max(complete, key=_parameters) if complete else max(fitting, key=passes.__getitem__)
    times = min(passes[chosen], MOST_PASSES)
    iterations = tuple(max(1, int(times * count)) for count in recipe)
    return SprintSize(chosen.widths, iterations, chosen.seconds(iterations))


def _parameters(speed: Speed) -> int:
    return speed.parameters
