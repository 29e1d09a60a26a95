"""TODO: forecast/anchors/from_settings.py."""

from forecast.anchors.anchor import FittedAnchor
from forecast.anchors.harmonic import HarmonicAnchor
from forecast.anchors.linear import LinearAnchor
from forecast.sphere.grid import Grid
from forecast.system.system import System


def linear_anchor(system: System, grid: Grid) -> FittedAnchor:
    """Return the linear anchor that a system asks for, not fitted yet."""
    options, past_states, channels = system.anchor, system.state.past_states, len(system.state.predictands)
    if options.space == "harmonics":
        return HarmonicAnchor(
            truncation=options.truncation,
            fading=options.fading,
            past_states=past_states,
            channels=channels,
            grid=grid,
        )
    return LinearAnchor(eofs=options.eofs, past_states=past_states, shape=(channels, *grid.shape))
