"""The system file decides the space of the linear anchor, and a fault names the key."""

import numpy as np
import pytest

from forecast.anchors.from_settings import linear_anchor
from forecast.anchors.harmonic import HarmonicAnchor
from forecast.anchors.linear import LinearAnchor
from forecast.sphere.grid import Grid
from forecast.system.anchor import AnchorSettings

REGION = Grid(np.linspace(30, 70, 8), np.linspace(-70, 10, 16))
HARMONICS = AnchorSettings(kind="linear", space="harmonics", truncation=5, fading=2)


def test_patterns_take_the_shape_of_a_state():
    anchor = linear_anchor(AnchorSettings(kind="linear", eofs=3), REGION, channels=2, past_states=1)
    assert isinstance(anchor, LinearAnchor)
    assert (anchor.eofs, anchor.past_states, anchor.shape) == (3, 1, (2, 8, 16))


def test_harmonics_take_truncation_and_fading(globe):
    anchor = linear_anchor(HARMONICS, globe, channels=2, past_states=1)
    assert isinstance(anchor, HarmonicAnchor)
    assert (anchor.truncation, anchor.fading, anchor.past_states, anchor.channels) == (5, 2, 1, 2)


def test_errors_start_with_the_key(globe):
    with pytest.raises(ValueError, match=r"^space: expected 'eofs' on a region, .* found 'harmonics'"):
        linear_anchor(HARMONICS, REGION, channels=2, past_states=1)
    with pytest.raises(ValueError, match=r"^truncation: expected at most 7 on this grid, found 9"):
        linear_anchor(HARMONICS.changed(truncation=9), globe, channels=2, past_states=1)
