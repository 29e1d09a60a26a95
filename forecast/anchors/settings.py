"""The section of the system file that says which anchor, and how it is fitted."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from forecast.networks.settings import NetworkSettings, UNetSettings
from forecast.sections import Positive, PositiveFloat, Section


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
    """Degrees below the truncation over which the harmonic anchor fades out, so that what it misses has no edge."""
    cross_fitted: bool = False
    """Train on residuals from anchors that were fitted without the residual's own year; forecast with one of all years.

    An anchor misses less of the years that it was fitted to than of any other, so that members trained on what it
    misses there would spread too little.
    """
    mean: MeanTraining = MeanTraining()
    """Of the kind `mean`."""

    added: ClassVar[dict[str, Any]] = {
        "space": "eofs",
        "truncation": 15,
        "fading": 0,
        "cross_fitted": False,
        "mean": MeanTraining().model_dump(mode="json"),
    }
