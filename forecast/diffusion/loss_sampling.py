"""Importance sampling of noise levels: those with a large loss are drawn more often, with a smaller weight."""

import torch
from jaxtyping import Float
from torch import Tensor, distributed, nn

PARTS = 32
"""Number of equal intervals that the chances are divided into."""
EVEN_SHARE = 0.2
"""Share of the draws that stays uniform, so that every interval is drawn and no weight exceeds 5."""
SLOWEST_RATE = 0.01
"""Smallest weight of the latest observation in a running mean."""


class LossSampler(nn.Module):
    """Moves uniform chances towards those whose loss is large, and returns the weights that compensate for this.

    Chances are divided into equal intervals, and a running mean of the squared loss is kept for each. An interval is
    drawn in proportion to the root of that mean, which minimises the variance of the weighted loss, and its samples are
    weighted by the inverse. The running means are buffers, saved and resumed with the weights of the model.

    Source: importance sampling as in Nichol and Dhariwal (2021), section 3.3, arXiv:2102.09672, over intervals of a
        continuous distribution
    """

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean_square", torch.ones(PARTS))
        self.register_buffer("observations", torch.ones(PARTS))
        self.register_buffer("noted", torch.zeros(2, PARTS), persistent=False)

    def forward(self, chances: Float[Tensor, " sample"]) -> tuple[Float[Tensor, " sample"], Float[Tensor, " sample"]]:
        """Return the moved chances, and the weight of the loss at each.

        Args:
            chances: Uniform numbers between 0 and 1.
        """
        share = self.shares()
        edges = torch.cat([share.new_zeros(1), share.cumsum(0)])
        part = torch.searchsorted(edges, chances, right=True).clamp(1, PARTS) - 1
        within = ((chances - edges[part]) / share[part]).clamp(0.0, 1.0)
        bent = ((part + within) / PARTS).clamp(1e-6, 1.0 - 1e-6)
        return bent, 1.0 / (PARTS * share[part])

    def shares(self) -> Float[Tensor, " part"]:
        """Return the share of the draws that falls in each interval."""
        root = self.get_buffer("mean_square").sqrt()
        return (1.0 - EVEN_SHARE) * root / root.sum() + EVEN_SHARE / PARTS

    @torch.no_grad()
    def observe(self, chances: Float[Tensor, " sample"], loss: Float[Tensor, " sample"]) -> None:
        """Record losses; `update` takes them into the running means.

        Args:
            chances: The moved chances that `forward` returned.
            loss: The loss at each, without the weight that `forward` returned.
        """
        counts, totals = self.get_buffer("noted")
        part = (chances * PARTS).long().clamp(0, PARTS - 1)
        counts.index_add_(0, part, torch.ones_like(loss))
        totals.index_add_(0, part, loss.square())

    @torch.no_grad()
    def update(self) -> None:
        """Take the losses that all processes have recorded since the last call into the running means."""
        noted = self.get_buffer("noted")
        if distributed.is_available() and distributed.is_initialized():
            distributed.all_reduce(noted)
        counts, totals = noted
        mean, seen = self.get_buffer("mean_square"), self.get_buffer("observations")
        seen += counts
        rate = (counts / seen).clamp_min(SLOWEST_RATE) * (counts > 0)
        mean += rate * (totals / counts.clamp_min(1.0) - mean)
        noted.zero_()
