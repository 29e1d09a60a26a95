"""Attention between the patches of a map on the sphere, over the whole map or within windows."""

import numpy as np
import torch
from jaxtyping import Bool, Float
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from forecast.networks.convolution import hidden_polar_sign
from forecast.networks.tokens import Tokens, WindowTokens

_UNSEEN = -1e4
"""Added to the logits of absent tokens. Finite, as all tokens of a window may be absent, and a softmax needs one."""


class WindowLayout(nn.Module):
    """Which tokens attend to each other, and their relative positions; shared by all blocks with the same windows.

    Queries and keys are rotated by angles proportional to their longitude and latitude, so that attention depends on
    the differences of both (Su et al. 2021, arXiv:2104.09864). On a globe the frequencies in longitude are whole
    numbers, so that there is no seam at the date line. The logarithm of a token's area is added to its logits, which
    makes attention an integral over the sphere instead of a sum over a grid that is denser near the poles (Bonev et
    al. 2025, arXiv:2505.11157).

    Args:
        tokens: The tokens of a map.
        window: Rows and columns of a window; None for attention over the whole map.
        shifted: Whether the windows are shifted by half their size.
        head_width: Channels of an attention head, divisible by 4.

    Raises:
        ValueError: The window does not fit the map.
    """

    def __init__(self, tokens: Tokens, window: tuple[int, int] | None, *, shifted: bool, head_width: int) -> None:
        super().__init__()
        placed = WindowTokens.of(tokens, window or tokens.shape, shifted=shifted)
        self.whole = window is None
        self.crosses = bool(placed.crossed.any())
        self.windows = placed.source.shape[0]
        unseen = placed.area <= 0
        bias = torch.where(unseen, _UNSEEN, placed.area.clamp_min(1e-12).log())
        eastward = _frequencies(tokens.longitude, head_width // 4, periodic=tokens.periodic)
        northward = _frequencies(tokens.latitude, head_width // 4, periodic=False)
        longitude, latitude = (degrees.deg2rad()[..., None] for degrees in (placed.longitude, placed.latitude))
        angles = torch.cat([longitude * eastward, latitude * northward], dim=-1)
        buffers = {
            "source": placed.source.flatten(),
            "crossed": placed.crossed.flatten()[:, None],
            "place": placed.place,
            "bias": bias,
            "cos": angles.cos().flatten(0, 1)[:, None, None],
            "sin": angles.sin().flatten(0, 1)[:, None, None],
        }
        for name, value in buffers.items():
            self.register_buffer(name, value, persistent=False)

    def gather(
        self, x: Float[Tensor, "batch token width"], odd: Bool[Tensor, " width"]
    ) -> Float[Tensor, "batch place width"]:
        """Sort tokens into windows.

        Args:
            x: The tokens of the map.
            odd: Channels that change sign where a token is seen from across a pole.

        Returns:
            The tokens of one window after the other.
        """
        if self.whole:
            return x
        x = x.index_select(1, self.get_buffer("source"))
        return torch.where(self.get_buffer("crossed") & odd, -x, x) if self.crosses else x

    def scatter(self, x: Float[Tensor, "batch place width"]) -> Float[Tensor, "batch token width"]:
        """Sort tokens from windows back to the map.

        Args:
            x: The tokens of one window after the other.
        """
        return x if self.whole else x.index_select(1, self.get_buffer("place"))

    def rotate(self, x: Float[Tensor, "batch place part head width"]) -> Float[Tensor, "batch place part head width"]:
        """Rotate queries and keys by the angles of their positions.

        Args:
            x: Queries and keys, sorted into windows.
        """
        first, second = x.chunk(2, dim=-1)
        cos, sin = self.get_buffer("cos").to(x.dtype), self.get_buffer("sin").to(x.dtype)
        return torch.cat([first * cos - second * sin, second * cos + first * sin], dim=-1)


class SphereAttention(nn.Module):
    """Multi-head attention with normalised queries and keys.

    Args:
        width: Channels of a token.
        heads: Number of attention heads.

    Source: Dehghani et al. (2023), arXiv:2302.05442
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.inputs = nn.Linear(width, 3 * width)
        self.scale = nn.Parameter(torch.ones(width // heads))  # shared by queries and keys
        self.output = nn.Linear(width, width)
        self.register_buffer("odd", hidden_polar_sign(width).flatten() < 0, persistent=False)

    def forward(
        self, x: Float[Tensor, "batch token width"], layout: WindowLayout
    ) -> Float[Tensor, "batch token width"]:
        """Attend within windows.

        Args:
            x: The tokens of the map.
            layout: The windows.
        """
        places = self.inputs(layout.gather(x, self.get_buffer("odd")))
        seen = self._attend(places.unflatten(-1, (3, self.heads, -1)), layout)
        result: Tensor = self.output(layout.scatter(seen.to(places.dtype).flatten(-2)))
        return result

    def _attend(self, places: Float[Tensor, "batch place 3 head width"], layout: WindowLayout) -> Tensor:
        batch = places.shape[0]
        with torch.autocast("cpu", enabled=False):
            if places.device.type == "cpu":
                places = places.float()  # attention kernels of CPUs are slower in bfloat16
            scale = self.scale.to(places.dtype)
            paired = layout.rotate(functional.layer_norm(places[:, :, :2], scale.shape, weight=scale))
            query, key, value = (
                part.unflatten(1, (layout.windows, -1)).flatten(0, 1).transpose(1, 2)
                for part in (paired[:, :, 0], paired[:, :, 1], places[:, :, 2])
            )
            bias = layout.get_buffer("bias").to(query.dtype).repeat(batch, 1)[:, None, None, :]
            bias = bias.expand(-1, -1, query.shape[2], -1)
            seen = functional.scaled_dot_product_attention(query, key, value, attn_mask=bias)
        result: Tensor = seen.transpose(1, 2).unflatten(0, (batch, -1)).flatten(1, 2)
        return result


def _frequencies(degrees: NDArray[np.float64], count: int, *, periodic: bool) -> Float[Tensor, " frequency"]:
    """Frequencies per radian, from 1 to that of the shortest wave on the grid; whole numbers if it is periodic."""
    spacing = np.deg2rad(np.diff(degrees).mean()) if degrees.size > 1 else np.pi
    frequencies = np.geomspace(1.0, max(1.0, np.pi / spacing), count)
    return torch.from_numpy(frequencies.round() if periodic else frequencies).float()
