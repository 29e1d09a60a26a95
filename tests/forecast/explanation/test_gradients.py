"""Gradients equal the adjoint of a linear model, find a planted cause, and follow a trained model."""

import numpy as np
import pytest
import torch

from forecast.explanation.gradients import sensitivity
from forecast.members.gather import ensemble_forecast
from tests.forecast.explanation.conftest import INIT, PLACE

POINT = PLACE[0] * 16 + PLACE[1]


def adjoints(linear, steps):
    """Gradients of the first channel at `PLACE` with respect to the state after each step, newest first."""
    _, a, b, _ = linear
    newest, before = torch.zeros(256), torch.zeros(256)
    newest[POINT] = 1.0
    made = [newest]
    for _ in range(steps):
        newest, before = before + a.T @ newest, b.T @ newest
        made.append(newest)
    return made, before


def test_they_equal_the_adjoint_of_a_linear_model(linear, ensemble_of, outcome_of, checkpoint):
    steps, scale = 3, float(checkpoint.standardiser.std[0])
    found = sensitivity(ensemble_of(linear[0]), outcome_of(lead_step=steps))
    made, before = adjoints(linear, steps)
    for gradient, expected in ((found.state.mean[1], made[-1]), (found.state.mean[0], before)):
        expected = scale * expected.double()
        torch.testing.assert_close(gradient[:2].flatten(), expected, rtol=1e-5, atol=1e-5 * float(expected.abs().max()))
    assert float(found.state.spread.abs().max()) < 1e-3 * float(found.state.mean.abs().max())
    for step in range(steps):
        adjoint = scale * made[steps - 1 - step].double()
        torch.testing.assert_close(found.anchor.mean[step, :2].flatten(), adjoint, rtol=1e-4, atol=1e-3)
        of_noise = linear[3].double().T @ adjoint
        torch.testing.assert_close(found.noise.mean[step, 0, :2].flatten(), of_noise, rtol=1e-4, atol=1e-3)
        brought = found.noise.linear_variance[step].sum()
        assert float(brought) == pytest.approx(float(of_noise.square().sum()), rel=1e-4)
    assert bool((found.state.mean[:, 2] == 0).all())


def test_a_planted_cause_is_found(planted, ensemble_of, outcome_of, checkpoint):
    found = sensitivity(ensemble_of(planted, members=8), outcome_of())
    scale, start = float(checkpoint.standardiser.std[0]), ensemble_of(planted).starts[0]
    expected = torch.zeros_like(found.state.mean)
    expected[1, 1, 2, 7] = 2 * scale
    spread = torch.zeros_like(expected)
    growth = 0.3 / (1 + 0.3 * float(start[0, 2, 6, 11]))
    spread[0, 2, 6, 11] = growth * float(found.outcomes.std())
    noises = [float(ensemble_of(planted).noise_of((member,), 1, 0)[0, 0, *PLACE]) for member in range(8)]
    expected[0, 2, 6, 11] = 0.3 * scale * np.mean(noises)  # the mean noise of eight members is not zero
    inflation = ensemble_of(planted).system.sampler.noise_inflation
    assert inflation == 1.0
    torch.testing.assert_close(found.state.mean, expected, rtol=1e-4, atol=1e-3)
    torch.testing.assert_close(found.state.spread, spread, rtol=1e-4, atol=1e-3)


def test_the_outcomes_are_those_of_the_forecast(ensemble_of, outcome_of, checkpoint, analysis):
    """Whatever the batches are."""
    ensemble, outcome = ensemble_of(members=5, batch_size=2), outcome_of(lead_step=2)
    found = sensitivity(ensemble, outcome)
    made = ensemble_forecast(checkpoint, ensemble.system, analysis, INIT, members=5, lead_steps=2)
    expected = made["z500"].isel(lead_time=1, latitude=PLACE[0], longitude=PLACE[1])
    np.testing.assert_allclose(found.outcomes, expected, atol=0.05)
    np.testing.assert_allclose(ensemble.outcomes(outcome), found.outcomes, atol=1e-3)
    together = sensitivity(ensemble_of(members=5, batch_size=5), outcome)
    torch.testing.assert_close(together.state.mean, found.state.mean, rtol=1e-3, atol=1e-3)
    assert found.noise.mean.shape == (2, 1, 3, 8, 16)
    assert found.anchor.mean.shape == (2, 3, 8, 16)


def test_members_of_several_starts_have_their_own(ensemble_of, outcome_of):
    from dataclasses import replace

    ensemble = ensemble_of(members=4)
    two = replace(ensemble, starts=torch.cat([ensemble.starts, ensemble.starts + 0.5]))
    assert torch.equal(two.past_of((0, 1, 3)), two.starts[[0, 1, 1]])
    assert sensitivity(two, outcome_of()).state.members == 4
