"""The harmonic anchor works on the sphere: rotating the globe rotates the forecast, and the truncation is tapered."""

import numpy as np
import pytest
import torch

from forecast.anchors.harmonic import HarmonicAnchor
from forecast.sphere.grid import Grid

REGION = Grid(np.linspace(30, 70, 8), np.linspace(-70, 10, 16))


def test_it_fades_out_towards_its_truncation(waves, starts_of, scalars, globe):
    """The taper keeps half of the last degree if only that one fades, and a quarter if the one before fades too."""
    states, starts = waves(300), starts_of(300)
    past = torch.stack([states[:6], states[1:7]], dim=1)
    predicted = {}
    for fading in (0, 1, 2):
        anchor = HarmonicAnchor(truncation=4, past_states=2, channels=2, grid=globe, fading=fading)
        anchor.fit(states, starts, globe.area_weights())
        predicted[fading] = anchor.transform.analyse(anchor(past, scalars(6)))
        assert anchor.fresh().fading == fading
    kept = {1: [1, 1, 1, 1, 0.5], 2: [1, 1, 1, 0.75, 0.25]}
    for fading, factors in kept.items():
        torch.testing.assert_close(
            predicted[fading], predicted[0] * torch.tensor(factors), atol=1e-3, rtol=0, check_dtype=False
        )


def test_turning_the_globe_turns_the_harmonic_forecast(waves, starts_of, scalars, globe):
    anchor = HarmonicAnchor(truncation=4, fading=0, past_states=2, channels=2, grid=globe)
    anchor.fit(waves(100), starts_of(100), globe.area_weights())
    past = torch.randn(1, 2, 2, 8, 16)
    torch.testing.assert_close(
        anchor(past.roll(3, -1), scalars(1)), anchor(past, scalars(1)).roll(3, -1), atol=1e-5, rtol=0
    )


def test_harmonics_need_a_globe_that_resolves_them(globe):
    with pytest.raises(ValueError, match="grid: expected a globe, found a region"):
        HarmonicAnchor(truncation=4, fading=0, past_states=2, channels=2, grid=REGION)
    with pytest.raises(ValueError, match="truncation: expected at most 7 on this grid, found 8"):
        HarmonicAnchor(truncation=8, fading=0, past_states=2, channels=2, grid=globe)
