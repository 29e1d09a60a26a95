"""The section of the system file that says which anchor, and how it is fitted."""

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from forecast.system.network import NetworkSettings, UNetSettings
from forecast.system.section import Positive, PositiveFloat, Section


class MeanTraining(Section):
    """The network that predicts the mean of the next state, and its training on the squared error."""

    network: NetworkSettings = UNetSettings()
    iterations: Positive = 1000
    batch_size: Positive = 16
    learning_rate: PositiveFloat = 1e-3
    folds: Positive = 3
    """Groups of years; for each a network learns without it, where residuals are cross-fitted."""


class AnchorSettings(Section):
    """The cheap predictor of the next state that the network corrects."""

    kind: Literal["persistence", "linear", "mean"] = "linear"
    space: Literal["eofs", "harmonics"] = "eofs"
    """Of the linear anchor: patterns of all channels together, or spherical harmonics, each order by itself."""
    eofs: Positive = 100
    """Empirical orthogonal functions that the linear anchor works in."""
    truncation: Positive = 15
    """Largest degree of the harmonics that the linear anchor works in."""
    fading: Annotated[int, Field(ge=0)] = 0
    """Number of the last degrees over which the harmonic anchor fades out, so that what it misses has no edge."""
    cross_fitted: bool = False
    """Train on residuals from anchors that were fitted without the residual's own year; forecast with one of all years.

    An anchor misses less of the years that it was fitted to than of any other, so that members trained on what it
    misses there would spread too little.
    """
    mean: MeanTraining = MeanTraining()
    """Of the kind `mean`."""

    @model_validator(mode="after")
    def _fades_within_the_truncation(self) -> Self:
        harmonic = self.kind == "linear" and self.space == "harmonics"
        if self.fading > (self.truncation if harmonic else 0):
            limit = (
                f"at most the truncation {self.truncation}" if harmonic else "0 without a linear anchor in harmonics"
            )
            raise ValueError(f"fading: expected {limit}, found {self.fading}")
        return self

    def form(self) -> tuple[object, ...]:
        """What two anchors must share for the numbers of one to mean the same in the other."""
        if self.kind != "linear":
            return (self.kind,)
        sizes = (self.truncation, self.fading) if self.space == "harmonics" else (self.eofs,)
        return (self.kind, self.space, *sizes)

    added: ClassVar[dict[str, Any]] = {
        "space": "eofs",
        "truncation": 15,
        "fading": 0,
        "cross_fitted": False,
        "mean": MeanTraining().model_dump(mode="json"),
    }
