"""Conditioned noise samples the posterior: Kalman's for a linear function, and it meets what it is told for others."""

import numpy as np
import torch

from forecast.control.posterior import condition_noise, expected_values, linearise

MATRIX = torch.tensor([[1.0, 0.5, 0.0, -1.0], [0.0, 2.0, 1.0, 0.3]])
OFFSET = torch.tensor([3.0, -1.0])
ERRORS = torch.tensor([0.5, 1.5], dtype=torch.float64)
OBSERVED = torch.tensor([5.0, 0.5], dtype=torch.float64)


def linear(noise: torch.Tensor) -> torch.Tensor:
    return noise @ MATRIX.T + OFFSET


def kalman() -> tuple[np.ndarray, np.ndarray]:
    operator = MATRIX.double().numpy()
    gain = operator.T @ np.linalg.inv(operator @ operator.T + np.diag(ERRORS.numpy() ** 2))
    return gain @ (OBSERVED - OFFSET).numpy(), np.eye(4) - gain @ operator


def test_members_of_a_linear_function_have_the_mean_and_covariance_of_kalman() -> None:
    generator = torch.Generator().manual_seed(1)
    members = 20000
    noise = torch.randn(members, 4, generator=generator)
    targets = OBSERVED - ERRORS * torch.randn(members, 2, generator=generator, dtype=torch.float64)
    moved, values = condition_noise(linear, noise, targets, ERRORS)
    mean, covariance = kalman()
    sampling = 4 / members**0.5
    np.testing.assert_allclose(moved.mean(0), mean, atol=sampling)
    np.testing.assert_allclose(np.cov(moved.numpy().T), covariance, atol=2 * sampling)
    torch.testing.assert_close(values, linear(moved))
    assert abs(np.diag(covariance) - 1).max() > 0.3  # the free members would fail both


def test_an_exact_condition_moves_noise_along_the_gradient_alone() -> None:
    noise = torch.randn(5, 4, generator=torch.Generator().manual_seed(2))
    errors = torch.full((1,), 1e-4, dtype=torch.float64)
    targets = torch.full((5, 1), 7.0, dtype=torch.float64)
    moved, values = condition_noise(lambda z: linear(z)[:, :1], noise, targets, errors)
    torch.testing.assert_close(values, torch.full((5, 1), 7.0), atol=1e-3, rtol=0)
    along = MATRIX[0] / MATRIX[0].norm()
    across = (moved - noise) - ((moved - noise) @ along)[:, None] * along
    assert float(across.abs().max()) < 1e-4


def test_a_curved_function_is_met_although_full_steps_overshoot() -> None:
    noise = torch.randn(64, 3, generator=torch.Generator().manual_seed(3))
    errors = torch.full((1,), 0.01, dtype=torch.float64)
    targets = torch.full((64, 1), 2.5, dtype=torch.float64)
    _, values = condition_noise(
        lambda z: torch.atan(3 * z[:, :1]) + 0.5 * z.sum(1, keepdim=True), noise, targets, errors, iterations=40
    )
    torch.testing.assert_close(values.double(), targets, atol=0.03, rtol=0)


def test_the_expected_value_of_a_linear_function_is_exact_from_three_members() -> None:
    noise = torch.randn(3, 4, generator=torch.Generator().manual_seed(4))
    found = linearise(linear, noise)
    mean = expected_values(found.values.double(), noise, found.jacobian)
    torch.testing.assert_close(mean, OFFSET.double(), atol=1e-5, rtol=0)
    assert not torch.allclose(found.values.mean(0), OFFSET, atol=0.1)


def test_curvature_does_not_bias_the_expected_value() -> None:
    noise = torch.randn(4000, 2, generator=torch.Generator().manual_seed(5))
    found = linearise(lambda z: z[:, :1] + 0.5 * z[:, :1] ** 2, noise)
    mean = expected_values(found.values.double(), noise, found.jacobian)
    assert abs(float(mean) - 0.5) < 0.05
