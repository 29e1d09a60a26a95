"""Processes that share one training or one forecast.

torchrun starts them, or `plumecast ... --processes N`; both say in the environment who is who. A process that was
started alone is a group of one that runs the same code and sends nothing.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from data_catalog.errors import ConfigurationError

T = TypeVar("T")
LONGEST_WAIT = timedelta(hours=4)
"""What one process may do while the others wait for it, such as fitting statistics to decades of analyses."""


@dataclass(frozen=True)
class Ranks:
    """This process among those that work together.

    Attributes:
        rank: Its number, from 0.
        count: How many they are.
        device: Where this process computes.
    """

    rank: int = 0
    count: int = 1
    device: str = "cpu"

    @property
    def is_first(self) -> bool:
        """Whether this is the process that writes files and speaks."""
        return self.rank == 0

    def share(self, samples: Tensor) -> Tensor:
        """This process's part of something whose first dimension divides evenly."""
        return samples.chunk(self.count)[self.rank]

    def broadcast(self, value: T | None) -> T:
        """A small plain value of the first process, for all of them; the others' own does not count."""
        values = [value]
        if self.count > 1:
            dist.broadcast_object_list(values, src=0, device=torch.device(self.device))
        return values[0]  # type: ignore[return-value]  # the first process gave one

    def gathered(self, part: Tensor) -> Tensor:
        """The parts of all processes, in their order, along the first dimension."""
        if self.count == 1:
            return part
        parts = [torch.empty_like(part) for _ in range(self.count)]
        dist.all_gather(parts, part.contiguous())
        return torch.cat(parts)

    def copy_from_first(self, tensors: Iterator[Tensor]) -> None:
        """Overwrite tensors by those of the first process."""
        if self.count > 1:
            for tensor in tensors:
                whole = tensor.contiguous()  # processes may hold the same tensor in another order of memory
                dist.broadcast(whole, src=0)
                tensor.copy_(whole)

    def wait(self) -> None:
        """Until every process has come here."""
        if self.count > 1:
            dist.barrier()


ALONE = Ranks()
"""A process that shares its work with nobody."""


def rank_in_environment() -> int:
    """Number of this process among those started together; 0 for one started alone.

    Raises:
        ConfigurationError: The environment says something else than a number.
    """
    return _number("RANK", 0)


def is_one_of_several() -> bool:
    """Whether the environment tells of other processes."""
    return _number("WORLD_SIZE", 1) > 1


@contextmanager
def process_group(device: str) -> Iterator[Ranks]:
    """Find the processes that the environment tells of, and work with them.

    Args:
        device: `cpu`, or `cuda`: then each process of a machine takes a GPU of its own.

    Yields:
        Who is who.

    Raises:
        ConfigurationError: The environment is wrong, or a machine has fewer GPUs than processes.
    """
    if not is_one_of_several():
        yield Ranks(device=device)
        return
    ranks = Ranks(rank_in_environment(), _number("WORLD_SIZE", 1), _own_device(device))
    on_gpu = ranks.device != "cpu"
    if on_gpu:
        torch.cuda.set_device(ranks.device)
    dist.init_process_group(
        "nccl" if on_gpu else "gloo",
        rank=ranks.rank,
        world_size=ranks.count,
        timeout=LONGEST_WAIT,
        device_id=torch.device(ranks.device) if on_gpu else None,
    )
    yield ranks
    # Not after an exception: the others may be waiting inside a collective, and whoever started them ends them.
    dist.destroy_process_group()


def _own_device(device: str) -> str:
    if device == "cpu":
        return device
    if device != "cuda":
        raise ConfigurationError(f"--device: expected cpu or cuda for several processes, found '{device}'")
    local, found = _number("LOCAL_RANK", 0), torch.cuda.device_count()
    if local >= found:
        raise ConfigurationError(f"--processes: expected at most one a GPU, {found} on this machine, found {local + 1}")
    return f"cuda:{local}"


def _number(variable: str, default: int) -> int:
    found = os.environ.get(variable, str(default))
    if not found.isdecimal():
        raise ConfigurationError(f"environment: expected a number in {variable}, found '{found}'")
    return int(found)
