"""Build the linear anchor that a system file asks for."""

from forecast.anchors.anchor import FittedAnchor
from forecast.anchors.harmonic import HarmonicAnchor
from forecast.anchors.linear import LinearAnchor
from forecast.sphere.grid import Grid
from forecast.system.anchor import AnchorSettings


def linear_anchor(options: AnchorSettings, grid: Grid, *, channels: int, past_states: int) -> FittedAnchor:
    """Return a linear anchor, not fitted yet.

    Args:
        options: The space that the regression works in, and its size.
        grid: The grid of the states.
        channels: Number of channels of a state.
        past_states: Number of past states that the next one is regressed on.

    Raises:
        ValueError: The grid has no spherical harmonics, or too few points for the truncation; names the option.
    """
    if options.space == "eofs":
        return LinearAnchor(eofs=options.eofs, past_states=past_states, shape=(channels, *grid.shape))
    if not grid.topology().is_globe:
        raise ValueError("space: expected 'eofs' on a region, which has no spherical harmonics, found 'harmonics'")
    return HarmonicAnchor(
        truncation=options.truncation, fading=options.fading, past_states=past_states, channels=channels, grid=grid
    )
