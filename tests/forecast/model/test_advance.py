"""One lead step: the anchor's forecast and a sampled residual, clipped at the physical minimum."""

import torch

from forecast.calibration.correction import Correction
from forecast.diffusion.from_settings import draw_sample
from forecast.model.advance import advance, censored


def noise_of(draw):
    return torch.randn(2, 3, 8, 16, generator=torch.Generator().manual_seed(draw))


def past_states():
    return torch.randn(2, 2, 3, 8, 16, generator=torch.Generator().manual_seed(7)), torch.zeros(2, 7)


def test_a_state_is_the_anchors_forecast_and_a_sampled_residual(checkpoint, system):
    (past, scalars), model = past_states(), checkpoint.model
    anchor = model.anchor(past, scalars)
    residual = draw_sample(system.sampler, model.residual_denoiser(past, anchor, scalars), noise_of)
    expected = model.apply_residual(anchor, residual, scalars)
    torch.testing.assert_close(advance(model, system.sampler, past, scalars, noise_of), expected, rtol=0, atol=0)


def test_a_correction_scales_the_distance_from_the_centre(checkpoint, system):
    """The negated noise gives the same centre, so the two members lie on opposite sides of it."""
    (past, scalars), model = past_states(), checkpoint.model

    def states(factor):
        correction = Correction(torch.full((3, 1, 1), factor), "mirrored")
        return [
            advance(model, system.sampler, past, scalars, lambda draw, sign=sign: sign * noise_of(draw), correction)
            for sign in (1, -1)
        ]

    one, other = states(1.0)
    wide, opposite = states(3.0)
    torch.testing.assert_close((wide + opposite) / 2, (one + other) / 2, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(wide - opposite, 3 * (one - other), rtol=1e-3, atol=1e-3)


def test_gradients_reach_the_past(checkpoint, system):
    past, scalars = past_states()
    past.requires_grad_(True)
    advance(checkpoint.model, system.sampler, past, scalars, noise_of).square().sum().backward()
    assert past.grad.abs().max() > 0


def test_values_below_the_minimum_are_clipped():
    state = torch.tensor([-1.0, 0.5]).reshape(1, 2, 1, 1)
    bounds = torch.tensor([0.0, -torch.inf]).reshape(1, 2, 1, 1)
    assert censored(state, bounds).flatten().tolist() == [0.0, 0.5]
