"""The expected error is learned as a smooth function of the noise level, by channel."""

import torch

from forecast.diffusion.learned_uncertainty import LogVariance


def test_initially_the_expected_error_is_one():
    sigma = torch.tensor([0.02, 1.0, 80.0])
    assert torch.equal(LogVariance(3)(sigma), torch.zeros(3, 3))


def test_it_learns_the_logarithm_of_the_mean_error():
    """The minimum of error / exp(u) + u is at u = ln(error)."""
    torch.manual_seed(0)
    log_variance, sigma = LogVariance(2), torch.tensor([0.1, 1.0, 10.0]).repeat(20)
    error = torch.stack([1 + sigma, torch.full_like(sigma, 0.5)], dim=1)
    optimiser = torch.optim.LBFGS(log_variance.parameters(), max_iter=200)

    def loss():
        optimiser.zero_grad()
        expected = log_variance(sigma)
        value = (error / expected.exp() + expected).mean()
        value.backward()
        return value

    optimiser.step(loss)
    torch.testing.assert_close(log_variance(sigma[:3]), error[:3].log(), atol=0.05, rtol=0)
