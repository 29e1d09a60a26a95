"""Computes members in smaller portions where memory for all of a batch is short.

A member is a function of its own noise and past alone, so that portions are the same members, up to the rounding that
comes with another batch size.
"""

import logging
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from data_catalog.errors import ConfigurationError

logger = logging.getLogger("plumecast")
_NO_HOST_MEMORY = "can't allocate memory"
"""Found in the RuntimeError that PyTorch raises on a CPU, which has no class of its own."""


class Portions:
    """The largest number of members computed together, which is halved whenever memory runs out and never grows again.

    Args:
        device: Name of the device, for messages.
        divisible: Whether members may be computed in portions; processes that compute them together cannot, as memory
            may be short in one of them only.
    """

    def __init__(self, device: str, *, divisible: bool = True) -> None:
        self.largest: int | None = None
        self._device, self._divisible = device, divisible

    def compute(
        self, members: int, function: Callable[[slice], Float[Tensor, "portion channel latitude longitude"]]
    ) -> Float[Tensor, "member channel latitude longitude"]:
        """Return a function's states of all members, computed in as few portions as memory allows.

        Args:
            members: Number of members.
            function: Returns the states of the members at some positions.

        Raises:
            ConfigurationError: Memory is short for a single member, or for members that cannot be divided.
        """
        made: list[Tensor] = []
        first = 0
        while first < members:
            portion = slice(first, min(members, first + (self.largest or members)))
            states = _unless_memory_is_short(function, portion)
            if states is None:
                self._halve(portion.stop - first)
            else:
                made.append(states)
                first = portion.stop
        return made[0] if len(made) == 1 else torch.cat(made)

    def _halve(self, tried: int) -> None:
        torch.cuda.empty_cache()  # blocks of another size, which would stay reserved; does nothing without a GPU
        if tried == 1:
            raise ConfigurationError(
                f"memory of {self._device}: expected room to compute one member, found too little; "
                "take a device with more, or end what else runs on it"
            )
        if not self._divisible:
            raise ConfigurationError(
                f"memory of {self._device}: expected room to compute {tried} members in bands of latitudes, found too "
                "little; lower forecast.batch_size, or take more --bands"
            )
        half = -(-tried // 2)
        if self.largest is None or half < self.largest:
            self.largest = half
            logger.warning("Memory of %s is short for %d members together: %d from here on", self._device, tried, half)


def _unless_memory_is_short(function: Callable[[slice], Tensor], portion: slice) -> Tensor | None:
    """Return the states of a portion, or None; by then the error holds no tensor of the attempt any more."""
    try:
        return function(portion)
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, MemoryError | torch.OutOfMemoryError) or _NO_HOST_MEMORY in str(error):
            return None
        raise
