"""The anchor section of the system file: which anchor, and how it is fitted."""

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from forecast.system.network import NetworkSettings, UNetSettings
from forecast.system.section import Positive, PositiveFloat, Section


class MeanTraining(Section):
    """A network that predicts the mean of the next state, and its training on the squared error."""

    network: NetworkSettings = UNetSettings()
    iterations: Positive = 1000
    batch_size: Positive = 16
    learning_rate: PositiveFloat = 1e-3
    folds: Positive = 3
    """Groups of years for cross-fitting; for each group, a network is trained on the other years."""


class AnchorSettings(Section):
    """The cheap predictor of the next state, whose error the network learns."""

    kind: Literal["persistence", "linear", "mean"] = "linear"
    space: Literal["eofs", "harmonics"] = "eofs"
    """Space of the linear anchor: patterns of all channels, or the harmonics of each zonal wavenumber."""
    eofs: Positive = 100
    """Number of empirical orthogonal functions, in the space `eofs`."""
    truncation: Positive = 15
    """Largest degree of the harmonics, in the space `harmonics`."""
    fading: Annotated[int, Field(ge=0)] = 0
    """Number of the last degrees over which the forecast is tapered to zero, so that its error has no sharp edge."""
    cross_fitted: bool = False
    """Train on the errors of anchors that were fitted without the year in question; forecast with one of all years.

    An anchor has smaller errors in the years that it was fitted to than in others, so members trained on those errors
    would be under-dispersive.
    """
    mean: MeanTraining = MeanTraining()
    """The network of the kind `mean`."""

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
        """Return what two anchors must have in common for one to take over the fitted numbers of the other."""
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
