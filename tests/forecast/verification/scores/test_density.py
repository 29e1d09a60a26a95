"""Scores of densities against the normal density and against sums of kernels."""

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr
from scipy.stats import norm

from forecast.verification import UnscorableError, dawid_sebastiani, log_score

MakePair = Callable[..., tuple[xr.DataArray, xr.DataArray]]


def test_normal_scores(make_pair: MakePair) -> None:
    forecast, analysis = make_pair("offset")
    mean, deviation = forecast.mean("member"), forecast.std("member", ddof=1)
    expected = -norm.logpdf(analysis.values, mean.values, deviation.values)
    np.testing.assert_allclose(log_score(forecast, analysis), expected, rtol=1e-9)
    np.testing.assert_allclose(dawid_sebastiani(forecast, analysis), 2 * expected - np.log(2 * np.pi), rtol=1e-9)
    assert dawid_sebastiani(*make_pair("constant")).isnull().all()
    assert log_score(*make_pair("single")).isnull().all()


def test_kernels_of_a_given_width_by_place(make_pair: MakePair) -> None:
    forecast, analysis = make_pair("offset")
    width = xr.DataArray(np.linspace(3.0, 6.0, 6), dims="latitude")
    density = norm.pdf(analysis, forecast, width.values[:, None]).mean(axis=0)
    found = log_score(forecast, analysis, density="kernel", bandwidth=width)
    np.testing.assert_allclose(found, -np.log(density), rtol=1e-9)
    lazy = log_score(forecast.chunk(latitude=2), analysis, density="kernel", bandwidth=width.chunk(latitude=3))
    assert lazy.chunks is not None
    xr.testing.assert_allclose(lazy.compute(), found)


def test_the_width_of_a_known_sample_and_of_tied_members() -> None:
    members = np.array([1.0, 2.0, 3.0, 4.0, 10.0])
    forecast, analysis = xr.DataArray(members, dims="member"), xr.DataArray(3.0)
    width = 1.06 * (2.0 / 1.34) * 5**-0.2
    expected = -np.log(norm.pdf(3.0, members, width).mean())
    assert float(log_score(forecast, analysis, density="kernel")) == pytest.approx(expected)
    mostly = np.array([1.0, 1.0, 1.0, 1.0, 6.0])
    width = 1.06 * mostly.std(ddof=1) * 5**-0.2
    expected = -np.log(norm.pdf(3.0, mostly, width).mean())
    assert float(log_score(forecast.copy(data=mostly), analysis, density="kernel")) == pytest.approx(expected)


def test_two_modes_are_better_described_by_kernels() -> None:
    rng = np.random.default_rng(5)
    draws = np.where(rng.random((101, 500)) < 0.5, -4.0, 4.0) + rng.normal(size=(101, 500))
    forecast, analysis = xr.DataArray(draws[1:], dims=("member", "case")), xr.DataArray(draws[0], dims="case")
    options = {"density": "kernel", "bandwidth": 0.5, "reduce": "case"}
    assert float(log_score(forecast, analysis, **options)) < float(log_score(forecast, analysis, reduce="case")) - 0.3


def test_far_from_all_members_the_score_is_finite() -> None:
    forecast, analysis = xr.DataArray([0.0, 1.0], dims="member"), xr.DataArray(101.0)
    found = float(log_score(forecast, analysis, density="kernel", bandwidth=1.0))
    assert found == pytest.approx(100.0**2 / 2 + np.log(2 * np.sqrt(2 * np.pi)))
    assert log_score(forecast * 0, analysis, density="kernel").isnull()
    assert log_score(forecast * 0, analysis, density="kernel", bandwidth=1.0).notnull()


def test_what_is_refused(make_pair: MakePair) -> None:
    pair = make_pair("random")
    for match, options in {
        "density: expected 'normal' or 'kernel'": {"density": "logistic"},
        "bandwidth: expected positive": {"density": "kernel", "bandwidth": 0.0},
        "bandwidth: expected none": {"bandwidth": 1.0},
    }.items():
        with pytest.raises(UnscorableError, match=rf"^{match}[^\n]*$"):
            log_score(*pair, **options)
