import numpy as np
import torch

from forecast.explanation.moments import GradientMoments


def moments_of(outcomes, gradients, batches):
    moments = GradientMoments(float(outcomes[0]))
    for first in range(0, len(outcomes), len(outcomes) // batches):
        these = slice(first, first + len(outcomes) // batches)
        moments.add(outcomes[these], gradients[these])
    return moments


def test_they_are_gradients_of_mean_and_spread():
    generator = torch.Generator().manual_seed(1)
    shared = torch.randn(5, generator=generator, dtype=torch.float64, requires_grad=True)
    own = torch.randn(12, 5, generator=generator, dtype=torch.float64)
    outcomes = 1e5 + (own * shared).sum(1) + (own * shared**2).sum(1)
    gradients = (own * (1 + 2 * shared)).detach()
    for batches in (1, 4):
        found = moments_of(outcomes.detach(), gradients, batches)
        for statistic, value in ((found.mean, outcomes.mean()), (found.spread, outcomes.std())):
            (expected,) = torch.autograd.grad(value, shared, retain_graph=True)
            torch.testing.assert_close(statistic, expected, rtol=1e-9, atol=1e-9)


def test_linear_variance_is_without_bias():
    """Of y = e1 + (e2^2 - 1) / 2 the first input brings 1 linearly, the second nothing."""
    draws = torch.randn(1000, 10, 2, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    found = []
    for noise in draws:
        gradients = torch.stack([torch.ones(10, dtype=torch.float64), noise[:, 1]], dim=1)
        moments = GradientMoments(0.0)
        moments.add(noise[:, 0] + (noise[:, 1] ** 2 - 1) / 2, gradients)
        found.append(moments.linear_variance.numpy())
        assert moments.mean_square[0] == 1
    np.testing.assert_allclose(np.mean(found, axis=0), [1, 0], atol=0.03)


def test_members_that_are_all_the_same_have_no_spread():
    moments = moments_of(torch.ones(4), torch.ones(4, 3), 1)
    assert moments.spread.tolist() == [0, 0, 0]
