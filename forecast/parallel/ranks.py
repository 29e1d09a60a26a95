"""Processes that share one training or one forecast.

Each process learns from environment variables, as torchrun sets them, which of the processes it is. A process that was
started alone runs the same code as a group of one and communicates with nobody.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TypeVar

import torch
import torch.distributed as dist
from jaxtyping import Shaped
from torch import Tensor
from torch.distributed.device_mesh import init_device_mesh

from data_catalog.errors import ConfigurationError
from forecast.parallel.bands import WHOLE, Bands

T = TypeVar("T")
LONGEST_WAIT = timedelta(hours=4)
"""Longest time that processes wait for another one, which may be fitting statistics to decades of analyses."""


@dataclass(frozen=True)
class Ranks:
    """This process among those that work together.

    Attributes:
        rank: Number of this process, from 0.
        count: Number of processes.
        device: PyTorch device that this process computes on, such as `cpu` or `cuda:0`.
        bands: This process's band of latitudes among those of its team, successive processes that compute the same
            samples or members together; the whole globe for a team of one.
    """

    rank: int = 0
    count: int = 1
    device: str = "cpu"
    bands: Bands = WHOLE

    @property
    def team(self) -> int:
        """Number of this process's team, from 0."""
        return self.rank // self.bands.count

    @property
    def teams(self) -> int:
        """Number of teams."""
        return self.count // self.bands.count

    @property
    def is_first(self) -> bool:
        """Whether this is the process that writes files and messages."""
        return self.rank == 0

    def share(self, samples: Shaped[Tensor, "sample ..."]) -> Shaped[Tensor, "share ..."]:
        """Return the part of the samples that this process computes, alone or with its team.

        Args:
            samples: The samples of all processes; their number is divisible by the number of teams.
        """
        return samples.chunk(self.teams)[self.team]

    def broadcast(self, value: T | None) -> T:
        """Return the first process's value in every process. Every process must call it.

        Args:
            value: A small value that can be pickled; ignored in all processes but the first.
        """
        values = [value]
        if self.count > 1:
            dist.broadcast_object_list(values, src=0, device=torch.device(self.device))
        return values[0]  # type: ignore[return-value]  # the first process passes a value

    def gather(self, part: Shaped[Tensor, "share ..."]) -> Shaped[Tensor, "sample ..."]:
        """Return the parts of all processes, in their order, in every process. Every process must call it.

        Args:
            part: This process's part, of the same shape in all processes.
        """
        if self.count == 1:
            return part
        parts = [torch.empty_like(part) for _ in range(self.count)]
        dist.all_gather(parts, part.contiguous())
        return torch.cat(parts)

    def copy_from_first(self, tensors: Iterator[Tensor]) -> None:
        """Overwrite tensors with those of the first process. Every process must call it.

        Args:
            tensors: The same tensors, in the same order, in all processes.
        """
        if self.count > 1:
            for tensor in tensors:
                whole = tensor.contiguous()  # memory formats may differ between processes
                dist.broadcast(whole, src=0)
                tensor.copy_(whole)

    def wait(self) -> None:
        """Wait until every process has called it."""
        if self.count > 1:
            dist.barrier()


ALONE = Ranks()
"""A process that works alone."""


def rank_in_environment() -> int:
    """Return the number of this process among those started together; 0 for a process that was started alone.

    Raises:
        ConfigurationError: The environment variable RANK is not a number.
    """
    return _number("RANK", 0)


def is_one_of_several() -> bool:
    """Return whether the environment variables say that this process was started together with others.

    Raises:
        ConfigurationError: The environment variable WORLD_SIZE is not a number.
    """
    return _number("WORLD_SIZE", 1) > 1


@contextmanager
def process_group(device: str, *, bands: int = 1) -> Iterator[Ranks]:
    """Join the processes that the environment variables describe, and leave them at the end.

    Args:
        device: `cpu`, or `cuda` for one GPU for each process on a machine.
        bands: Number of successive processes that form a team and divide each globe into bands of latitudes.

    Yields:
        This process among the others.

    Raises:
        ConfigurationError: An environment variable is not a number, the device is unknown, a machine has fewer GPUs
            than processes, or the processes do not form whole teams.
    """
    if (count := _number("WORLD_SIZE", 1)) % bands:
        raise ConfigurationError(f"bands: expected a divisor of the {count} processes, found {bands}")
    if not is_one_of_several():
        yield Ranks(device=device)
        return
    ranks = Ranks(rank_in_environment(), count, _own_device(device))
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
    yield ranks if bands == 1 else replace(ranks, bands=_own_band(ranks, bands))
    # Not in a `finally` clause: after an exception, other processes may hang in a collective operation. The launcher
    # ends them.
    dist.destroy_process_group()


def _own_band(ranks: Ranks, bands: int) -> Bands:
    kind = torch.device(ranks.device).type
    mesh = init_device_mesh(kind, (ranks.count // bands, bands), mesh_dim_names=("team", "band"))
    return Bands(ranks.rank % bands, bands, mesh.get_group("band"))


def _own_device(device: str) -> str:
    if device == "cpu":
        return device
    if device != "cuda":
        raise ConfigurationError(f"device: expected cpu or cuda for several processes, found '{device}'")
    local, found = _number("LOCAL_RANK", 0), torch.cuda.device_count()
    if local >= found:
        raise ConfigurationError(f"processes: expected at most one per GPU ({found} here), found {local + 1}")
    return f"cuda:{local}"


def _number(variable: str, default: int) -> int:
    found = os.environ.get(variable, str(default))
    if not found.isdecimal():
        raise ConfigurationError(f"environment variable {variable}: expected a number, found '{found}'")
    return int(found)
