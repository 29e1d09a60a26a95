"""The network section of the system file: which network, and its size."""

from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from forecast.system.section import Positive, Section, Share


class UNetSettings(Section):
    """A convolutional U-Net over patches."""

    kind: Literal["unet"] = "unet"
    patch: Literal[1, 2, 4] = 1
    """Grid points on each side of a patch."""
    widths: Annotated[tuple[Positive, ...], Field(min_length=1)] = (32, 64)
    """Channels at each resolution, finest first; each resolution is half the one before."""
    blocks: Positive = 2
    """Residual blocks at each resolution, on the way down and on the way up."""
    position_features: Annotated[int, Field(ge=0)] = 4
    """Number of learned maps that tell the network where on the grid it is."""
    dropout: Share = 0.0
    """Share of the activations that training drops."""


class DiTSettings(Section):
    """A transformer over patches (Peebles and Xie 2023, arXiv:2212.09748)."""

    kind: Literal["dit"]
    patch: Literal[1, 2, 4, 8] = 4
    """Grid points on each side of a patch, which is one token."""
    width: Positive = 256
    """Channels of a token."""
    depth: Positive = 6
    """Number of transformer blocks."""
    heads: Positive = 4
    """Attention heads of a block."""
    window: Literal["global"] | tuple[Positive, Positive] = "global"
    """Rows and columns of tokens that attend to each other; shifted by half a window in every other block."""
    expansion: Positive = 4
    """Hidden channels of a perceptron as a multiple of `width`."""
    position_features: Annotated[int, Field(ge=0)] = 4
    """Number of learned maps that tell the network where on the grid it is."""
    dropout: Share = 0.0
    """Share of the activations that training drops."""

    @model_validator(mode="after")
    def _heads_divide(self) -> Self:
        if self.width % (4 * self.heads):
            raise ValueError(f"expected a width divisible by 4 times the heads ({4 * self.heads}), found {self.width}")
        return self


def _kind(section: Any) -> Any:
    return section.get("kind", "unet") if isinstance(section, dict) else getattr(section, "kind", None)


NetworkSettings = Annotated[
    Annotated[UNetSettings, Tag("unet")] | Annotated[DiTSettings, Tag("dit")], Discriminator(_kind)
]
"""The denoiser network. `kind` decides which keys are allowed; "unet" if it is absent."""
