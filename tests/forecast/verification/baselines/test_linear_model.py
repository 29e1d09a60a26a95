"""The linear model of a vector autoregression whose matrix and noise are known."""

import numpy as np
import pytest
import xarray as xr
from numpy.typing import NDArray

from forecast.verification import UnscorableError
from forecast.verification.baselines.linear_model import LinearModel, fit_linear_model

MEMORY = np.array([0.9, 0.6, 0.2])


@pytest.fixture(scope="module")
def anomalies() -> NDArray[np.float64]:
    """Three patterns that forget at known rates, on twelve points, with a little noise: (time, space)."""
    rng = np.random.default_rng(0)
    states = np.zeros((6000, 3))
    for index in range(1, len(states)):
        states[index] = states[index - 1] * MEMORY + np.sqrt(1 - MEMORY**2) * rng.normal(size=3)
    patterns = np.linalg.qr(rng.normal(size=(12, 3)))[0].T * np.array([[3.0], [2.0], [1.5]])
    return states @ patterns + 0.1 * rng.normal(size=(6000, 12))


@pytest.fixture(scope="module")
def model(anomalies: NDArray[np.float64]) -> LinearModel:
    return fit_linear_model(anomalies, np.arange(6000), np.ones(12), 3, lead_steps=3)


def generators(count: int, seed: int = 0) -> list[np.random.Generator]:
    return [np.random.default_rng([seed, member]) for member in range(count)]


def test_each_lead_has_the_memory_of_the_process(model: LinearModel) -> None:
    for lead in (1, 2, 3):
        found = np.sort(np.linalg.eigvals(model.propagate[lead - 1]).real)
        np.testing.assert_allclose(found, np.sort(MEMORY**lead), atol=0.06)


def test_members_have_the_mean_and_variance_of_what_comes(model: LinearModel, anomalies: NDArray[np.float64]) -> None:
    errors, variances = [], []
    for start in range(0, 5900, 100):
        members = model.members(anomalies[start], generators(40, start), 1)
        errors.append(members.mean(axis=0) - anomalies[start + 1])
        variances.append(members.var(axis=0, ddof=1))
    assert np.mean(np.square(errors)) == pytest.approx(np.mean(variances) * 41 / 40, rel=0.15)


def test_a_member_does_not_depend_on_the_others(model: LinearModel, anomalies: NDArray[np.float64]) -> None:
    many, few = (model.members(anomalies[7], generators(count), 2) for count in (20, 3))
    np.testing.assert_array_equal(many[:3], few)


def test_beyond_the_fitted_steps_the_start_is_forgotten(model: LinearModel, anomalies: NDArray[np.float64]) -> None:
    far = [model.members(anomalies[start], generators(5), 4) for start in (0, 100)]
    np.testing.assert_array_equal(far[0], far[1])


def test_it_is_stored_without_loss(model: LinearModel, anomalies: NDArray[np.float64]) -> None:
    stored = model.to_dataset().assign(other=xr.DataArray(1))
    again = LinearModel.from_dataset(stored)
    for one, two in zip(vars(model).values(), vars(again).values(), strict=True):
        np.testing.assert_array_equal(one, two)


def test_too_short_a_record_is_refused(anomalies: NDArray[np.float64]) -> None:
    with pytest.raises(UnscorableError, match="linear baseline: expected at least 10 pairs of states, found 8"):
        fit_linear_model(anomalies[:9], np.arange(9), np.ones(12), 3, lead_steps=1)
    gaps = np.arange(9) * 2
    with pytest.raises(UnscorableError, match="found 0"):
        fit_linear_model(anomalies[:9], gaps, np.ones(12), 3, lead_steps=1)
