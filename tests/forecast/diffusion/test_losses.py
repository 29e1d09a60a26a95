"""Losses of training: weighted squared errors, and a CRPS between its plain and its fair estimator."""

import numpy as np
import pytest
import torch

from forecast.diffusion.losses import almost_fair_crps, error_by_noise_level, squared_error


def shrink(x, sigma):
    return x / (1 + sigma[:, None, None, None] ** 2)


def test_squared_error_is_weighted_by_area_and_channel():
    clean, noise = torch.randn(2, 4, 2, 3, 4, generator=torch.Generator().manual_seed(0))
    weights = torch.rand(2, 3, 1)
    sigma = torch.full((4,), 0.5)
    found = squared_error(lambda x, level: torch.zeros_like(x), clean, sigma, noise, weights)
    torch.testing.assert_close(found, (clean**2 * weights).mean(dim=(2, 3)))


def test_error_by_noise_level_is_that_of_the_best_denoiser_on_normal_data():
    generator = torch.Generator().manual_seed(0)
    clean, noise = torch.randn(2, 256, 2, 8, 8, generator=generator)
    sigmas = torch.tensor([0.05, 0.5, 5.0])
    found = error_by_noise_level(shrink, clean, noise, torch.ones(2, 8, 1), sigmas)
    assert found.shape == (3, 2)
    expected = (sigmas**2 / (1 + sigmas**2))[:, None].expand(3, 2)
    torch.testing.assert_close(found, expected, rtol=0.05, atol=0)


def crps_by_definition(members, analysis, pairs):
    """Mean error less half the mean difference, over `pairs` pairs."""
    differences = np.abs(members[:, None] - members[None]).sum()
    return np.abs(members - analysis).mean() - differences / (2 * pairs)


@pytest.mark.parametrize("count", [2, 5])
def test_the_crps_is_the_fair_one_or_the_plain_one_or_between(count):
    members = torch.randn(count, 1, generator=torch.Generator().manual_seed(count)).double()
    analysis = torch.tensor([0.3]).double()
    fair, plain, between = (float(almost_fair_crps(members, analysis, fairness=share)) for share in (1.0, 0.0, 0.25))
    values = members[:, 0].numpy()
    assert fair == pytest.approx(crps_by_definition(values, 0.3, count * (count - 1)))
    assert plain == pytest.approx(crps_by_definition(values, 0.3, count**2))
    assert between == pytest.approx(0.25 * fair + 0.75 * plain)
