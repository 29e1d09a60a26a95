"""Random numbers of training: each sample has its own stream, so they do not depend on which process computes it."""

import hashlib
from collections.abc import Callable, Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor


class RandomNumbers:
    """Random numbers for some samples of one iteration's batch.

    A sample's numbers are a function of (seed, stage, iteration, place in the batch): neither the number of processes
    nor the number of samples computed together changes them. Each call returns new numbers.

    Args:
        seed: Seed of the training.
        stage: Number of the stage, counted from 0.
        iteration: Number of the iteration in its stage, counted from 0.
        places: Places of these samples in the batch.
        batch_size: Number of samples in the batch, over all processes.
        device: Device that generates the numbers; another kind of device gives other numbers.
    """

    def __init__(
        self, seed: int, stage: int, iteration: int, places: Sequence[int], batch_size: int, *, device: str = "cpu"
    ) -> None:
        self.places, self.batch_size = tuple(places), batch_size
        self._identity = f"{seed}|{stage}|{iteration}"
        self._device = device
        self._own = [self._generator(f"{self._identity}|{place}", device) for place in self.places]
        self._common = self._generator(self._identity, "cpu")

    def normal(self, *shape: int) -> Float[Tensor, "sample ..."]:
        """Return standard normal numbers for each sample.

        Args:
            shape: Shape of the numbers of one sample.
        """
        drawn = [torch.randn(shape, generator=generator, device=self._device) for generator in self._own]
        return torch.stack(drawn)

    def coins(self) -> Bool[Tensor, " sample"]:
        """Return a random boolean for each sample, true with probability 1/2."""
        tossed = [torch.rand((), generator=generator, device=self._device) < 0.5 for generator in self._own]
        return torch.stack(tossed)

    def of_batch(self, draw: Callable[[int, torch.Generator], Tensor]) -> Float[Tensor, "sample ..."]:
        """Return these samples' part of numbers that are drawn for the whole batch at once, such as strata.

        Args:
            draw: Returns numbers whose first dimension is the batch, given its size and a generator on the CPU.
        """
        return draw(self.batch_size, self._common)[list(self.places)].to(self._device)

    @staticmethod
    def _generator(identity: str, device: str) -> torch.Generator:
        seed = int.from_bytes(hashlib.sha256(identity.encode()).digest()[:4])
        return torch.Generator(device).manual_seed(seed)
