"""Noise levels drawn where the loss is, without changing what is minimised."""

import torch
from jaxtyping import Float
from torch import Tensor, distributed, nn

PARTS = 32
EVEN_SHARE = 0.2
"""Share of the draws that stays even, so that no level is forgotten and no sample counts more than five times."""
SLOWEST_RATE = 0.01


class LossSampler(nn.Module):
    """Even chances bent towards those whose loss is large, with the weight that makes up for it.

    The chances are cut into equal parts, and a running mean of the squared loss is kept for each. A part is drawn in
    proportion to the root of that mean, which gives the weighted loss its least variance, and its samples count by
    the inverse. The means are buffers: they are stored and resumed with the weights.

    Source: importance sampling as in Nichol and Dhariwal (2021), section 3.3, arXiv:2102.09672, over parts of a
        continuous distribution
    """

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean_square", torch.ones(PARTS))
        self.register_buffer("observations", torch.ones(PARTS))
        self.register_buffer("noted", torch.zeros(2, PARTS), persistent=False)

    def forward(self, chances: Float[Tensor, " sample"]) -> tuple[Float[Tensor, " sample"], Float[Tensor, " sample"]]:
        """Bend chances; returns them, and the weight of the loss of each."""
        share = self.shares()
        edges = torch.cat([share.new_zeros(1), share.cumsum(0)])
        part = torch.searchsorted(edges, chances, right=True).clamp(1, PARTS) - 1
        within = ((chances - edges[part]) / share[part]).clamp(0.0, 1.0)
        bent = ((part + within) / PARTS).clamp(1e-6, 1.0 - 1e-6)
        return bent, 1.0 / (PARTS * share[part])

    def shares(self) -> Float[Tensor, " part"]:
        """Share of the draws in each part."""
        root = self.get_buffer("mean_square").sqrt()
        return (1.0 - EVEN_SHARE) * root / root.sum() + EVEN_SHARE / PARTS

    @torch.no_grad()
    def observe(self, chances: Float[Tensor, " sample"], loss: Float[Tensor, " sample"]) -> None:
        """Note losses, not weighted by chance, at chances that `forward` returned; `settle` takes them in."""
        counts, totals = self.get_buffer("noted")
        part = (chances * PARTS).long().clamp(0, PARTS - 1)
        counts.index_add_(0, part, torch.ones_like(loss))
        totals.index_add_(0, part, loss.square())

    @torch.no_grad()
    def update(self) -> None:
        """Take in what was noted, in all processes, since the last time: once an iteration, however it was cut up."""
        noted = self.get_buffer("noted")
        if distributed.is_available() and distributed.is_initialized():
            distributed.all_reduce(noted)
        counts, totals = noted
        mean, seen = self.get_buffer("mean_square"), self.get_buffer("observations")
        seen += counts
        rate = (counts / seen).clamp_min(SLOWEST_RATE) * (counts > 0)
        mean += rate * (totals / counts.clamp_min(1.0) - mean)
        noted.zero_()
