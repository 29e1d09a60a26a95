"""The section of the system file that says which network and how large."""

from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from forecast.system.section import Positive, Section, Share


class UNetSettings(Section):
    """A convolutional network over patches, at several resolutions."""

    kind: Literal["unet"] = "unet"
    patch: Literal[1, 2, 4] = 1
    """Grid points a side that the first convolution merges."""
    widths: Annotated[tuple[Positive, ...], Field(min_length=1)] = (32, 64)
    """Channels per resolution, finest first; each resolution halves the one before."""
    blocks: Positive = 2
    """Residual blocks per resolution, on the way down and up."""
    position_features: Annotated[int, Field(ge=0)] = 4
    """Learned maps that tell the network where it is."""
    dropout: Share = 0.0


class DiTSettings(Section):
    """A transformer over patches (Peebles and Xie 2023, arXiv:2212.09748)."""

    kind: Literal["dit"]
    patch: Literal[1, 2, 4, 8] = 4
    """Grid points a side that one token stands for."""
    width: Positive = 256
    """Channels of a token."""
    depth: Positive = 6
    """Blocks of attention and perceptron."""
    heads: Positive = 4
    window: Literal["global"] | tuple[Positive, Positive] = "global"
    """Tokens, north-south and west-east, that attend to each other; shifted by half of it in every other block."""
    expansion: Positive = 4
    """Hidden channels of a perceptron, in widths."""
    position_features: Annotated[int, Field(ge=0)] = 4
    """Learned maps that tell the network where it is."""
    dropout: Share = 0.0

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
"""The denoiser backbone; `kind` decides which keys there are, "unet" where it is absent."""
