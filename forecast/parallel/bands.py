"""Processes that share one globe, each with a band of latitudes, and the rows that they exchange; differentiable.

Outside the divided part of a network, all processes of a team hold the same whole maps, and the same gradients of them.
Inside, each process holds its rows, and its gradients are those of the team's one loss times the number of bands: the
average over all processes, which DDP and FSDP2 take, is then the sum over bands and the mean over teams.
"""

from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable


@dataclass
class Traffic:
    """What a process receives from the others of its team.

    Attributes:
        received: Bytes.
    """

    received: int = 0


@dataclass(frozen=True)
class Bands:
    """This process's band among those of its team. Every process of the team must call each method.

    Attributes:
        index: Number of the band, counted from 0 in the south.
        count: Number of bands; 1 for a process that holds the whole globe and exchanges nothing.
        group: The processes of the team.
        rehearsal: Counts what would be received, and nothing is exchanged: for the costs of a process that has no
            team. None to exchange.
    """

    index: int = 0
    count: int = 1
    group: dist.ProcessGroup | None = None
    rehearsal: Traffic | None = None

    def cut(
        self, x: Float[Tensor, "batch channel latitude longitude"], rows: tuple[int, ...]
    ) -> Float[Tensor, "batch channel row longitude"]:
        """Return this band's rows of whole maps.

        Args:
            x: The maps, the same in all processes of the team.
            rows: Number of rows of each band, from the south.
        """
        if self.count == 1:
            return x
        cut: Tensor = _Cut.apply(x, self, rows)  # type: ignore[no-untyped-call]
        return cut

    def join(
        self, x: Float[Tensor, "batch channel row longitude"], rows: tuple[int, ...]
    ) -> Float[Tensor, "batch channel latitude longitude"]:
        """Return the whole maps, in every process of the team.

        Args:
            x: This band's rows.
            rows: Number of rows of each band, from the south.
        """
        if self.count == 1:
            return x
        joined: Tensor = _Join.apply(x, self, rows)  # type: ignore[no-untyped-call]
        return joined

    def beyond(
        self,
        x: Float[Tensor, "batch channel row longitude"],
        south: Float[Tensor, "batch channel beyond longitude"],
        north: Float[Tensor, "batch channel beyond longitude"],
    ) -> tuple[Float[Tensor, "batch channel beyond longitude"], Float[Tensor, "batch channel beyond longitude"]]:
        """Return the rows that lie south and north of this band: those of its neighbours, if it has them.

        Args:
            x: This band's rows.
            south: The rows beyond the southern edge of the globe or region, for the first band.
            north: The rows beyond the northern edge, for the last band.
        """
        if self.count == 1:
            return south, north
        amount = south.shape[-2]
        from_south, from_north = _Swap.apply(x[..., :amount, :], x[..., -amount:, :], self)  # type: ignore[no-untyped-call]
        return (from_south if self.index else south), (from_north if self.index + 1 < self.count else north)

    def gather(self, part: Float[Tensor, "..."]) -> Float[Tensor, "band ..."]:
        """Return the parts of all bands, which have the same shape; not differentiable.

        Args:
            part: This band's part.
        """
        parts = [torch.empty_like(part) for _ in range(self.count)]
        if self.rehearsal is not None:
            self.rehearsal.received += part.nbytes * (self.count - 1)
        else:
            dist.all_gather(parts, part.contiguous(), group=self.group)
        return torch.stack(parts)


WHOLE = Bands()
"""The whole globe in one process."""


class _Cut(torch.autograd.Function):
    """Own rows of whole maps; the gradient of the whole maps is put together again, and no longer times the bands."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, bands: Bands, rows: tuple[int, ...]) -> Tensor:
        ctx.bands, ctx.rows = bands, rows
        return _own_rows(x, bands, rows).contiguous()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        return _all_rows(gradient, ctx.bands, ctx.rows) / ctx.bands.count, None, None


class _Join(torch.autograd.Function):
    """Whole maps from the rows of all bands; the gradient of the own rows is taken times the number of bands."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, bands: Bands, rows: tuple[int, ...]) -> Tensor:
        ctx.bands, ctx.rows = bands, rows
        return _all_rows(x, bands, rows)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        return _own_rows(gradient, ctx.bands, ctx.rows) * ctx.bands.count, None, None


class _Swap(torch.autograd.Function):
    """Edge rows of both neighbours in exchange for the own ones. It is its own adjoint."""

    @staticmethod
    def forward(ctx: Any, south: Tensor, north: Tensor, bands: Bands) -> tuple[Tensor, Tensor]:
        ctx.bands = bands
        return _swapped(south, north, bands)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, south: Tensor, north: Tensor) -> tuple[Tensor, Tensor, None]:
        return *_swapped(south, north, ctx.bands), None


def _own_rows(x: Tensor, bands: Bands, rows: tuple[int, ...]) -> Tensor:
    first = sum(rows[: bands.index])
    return x[..., first : first + rows[bands.index], :]


def _all_rows(x: Tensor, bands: Bands, rows: tuple[int, ...]) -> Tensor:
    missing = max(rows) - x.shape[-2]  # collectives take parts of one shape only
    parts = bands.gather(torch.nn.functional.pad(x, (0, 0, 0, missing)).contiguous())
    return torch.cat([part[..., :count, :] for part, count in zip(parts, rows, strict=True)], dim=-2)


def _swapped(south: Tensor, north: Tensor, bands: Bands) -> tuple[Tensor, Tensor]:
    """Send the southern rows south and the northern ones north; zeros come from where there is no neighbour."""
    sent = {-1: south.contiguous(), 1: north.contiguous()}
    received = {side: torch.zeros_like(rows) for side, rows in sent.items()}
    sides = [side for side in (-1, 1) if 0 <= bands.index + side < bands.count]
    if bands.rehearsal is not None:
        bands.rehearsal.received += sum(received[side].nbytes for side in sides)
        return received[-1], received[1]
    operations = [
        dist.P2POp(operation, rows[side], group=bands.group, group_peer=bands.index + side)
        for side in sides
        for operation, rows in ((dist.isend, sent), (dist.irecv, received))
    ]
    for work in dist.batch_isend_irecv(operations):
        work.wait()
    return received[-1], received[1]
