"""Random numbers of training: each sample has a stream of its own, so that they do not depend on who computes what."""

import hashlib
from collections.abc import Callable, Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor


class RandomNumbers:
    """Random numbers for some samples of one iteration's batch.

    A sample's numbers are a function of (seed, stage, iteration, place in the batch): neither the number of processes
    nor that of the samples computed together changes them. Each call gives new numbers.

    Args:
        seed: Of the training.
        stage: Number of the stage, from 0.
        iteration: Number of the iteration in its stage, from 0.
        places: Places of these samples in the batch.
        batch_size: Samples in the batch, over all processes.
        device: Where numbers are generated; another kind of device gives other numbers.
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
            shape: Of the numbers of one sample.
        """
        drawn = [torch.randn(shape, generator=generator, device=self._device) for generator in self._own]
        return torch.stack(drawn)

    def coins(self) -> Bool[Tensor, " sample"]:
        """Return the toss of a fair coin for each sample."""
        tossed = [torch.rand((), generator=generator, device=self._device) < 0.5 for generator in self._own]
        return torch.stack(tossed)

    def of_batch(self, draw: Callable[[int, torch.Generator], Tensor]) -> Float[Tensor, "sample ..."]:
        """Return these samples' part of numbers that are drawn for the whole batch at once, such as strata.

        Args:
            draw: (Size of the batch, generator on the CPU) to numbers whose first dimension is the batch.
        """
        return draw(self.batch_size, self._common)[list(self.places)].to(self._device)

    @staticmethod
    def _generator(identity: str, device: str) -> torch.Generator:
        seed = int.from_bytes(hashlib.sha256(identity.encode()).digest()[:4])
        return torch.Generator(device).manual_seed(seed)
