"""Fitted levels are optimal, and make samplers of few steps more accurate."""

import itertools

import pytest
import torch

from forecast.diffusion.samplers import dpmpp_2m, dpmpp_2s, euler, heun
from forecast.diffusion.schedule_fitting import cheapest_path, fine_solution, fit_schedule, step_errors
from forecast.diffusion.schedules import rho_schedule

SAMPLERS = {"euler": euler, "heun": heun, "dpmpp-2s": dpmpp_2s, "dpmpp-2m": dpmpp_2m}


def candidates(count=24):
    return rho_schedule(count, sigma_min=0.02, sigma_max=80.0, rho=7.0)


def test_cheapest_path_is_the_best_of_all():
    errors = torch.rand(9, 9, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    errors[torch.ones(9, 9).tril().bool()] = torch.inf
    for steps in (1, 2, 4, 8):
        inner = itertools.combinations(range(1, 8), steps - 1)
        costs = {(0, *chosen, 8): sum(errors[a, b] for a, b in itertools.pairwise((0, *chosen, 8))) for chosen in inner}
        assert tuple(cheapest_path(errors, steps)) == min(costs, key=costs.get)


def test_fine_solution_is_accurate(exact):
    levels, start = candidates(), exact.noise_quantiles(9) * 80.0
    for sigma, found in zip(levels.tolist()[:-1], fine_solution(exact.two_peaks.denoiser, start, levels), strict=False):
        torch.testing.assert_close(
            found, exact.two_peaks.transported(start, 80.0, sigma), rtol=0, atol=5e-3 * (1 + sigma)
        )


def test_errors_are_of_steps_downwards(exact):
    levels = candidates(8)
    errors = step_errors("heun", exact.normal.denoiser, exact.noise_quantiles(9) * 80.0, levels)
    downwards = torch.ones(9, 9).triu(1).bool()
    assert errors[downwards].isfinite().all()
    assert errors[~downwards].isinf().all()
    assert errors[0, 8] > 10 * errors[0, 1]


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize("case", ["normal", "two_peaks"])
def test_eight_fitted_steps_do_better_than_eight_of_edm(name, case, exact):
    case, start = getattr(exact, case), exact.noise_quantiles(41) * 80.0
    expected = case.transported(start, 80.0, 0.0)
    fitted = fit_schedule(name, case.denoiser, exact.noise_quantiles(16) * 80.0, candidates(), 8)
    assert fitted.numel() == 9
    assert (fitted.diff() < 0).all()

    def error_and_spread(levels):
        found = SAMPLERS[name](case.denoiser, start, levels)
        return float((found - expected).square().mean().sqrt()), float(found.std() / expected.std())

    error, spread = error_and_spread(fitted)
    error_of_edm, spread_of_edm = error_and_spread(candidates(8))
    assert error < 0.7 * error_of_edm
    assert abs(spread - 1) < 0.7 * abs(spread_of_edm - 1)


def test_too_few_candidates_are_refused(exact):
    with pytest.raises(ValueError, match="expected 9 candidates or more, found 5"):
        fit_schedule("heun", exact.normal.denoiser, exact.noise_quantiles(2) * 80.0, candidates(4), 8)
