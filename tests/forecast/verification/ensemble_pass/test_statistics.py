"""The one pass over the members: every layout, both implementations, against plain formulas."""

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.verification import ensemble_statistics
from forecast.verification.ensemble_pass import statistics as fused

MakePair = Callable[..., tuple[xr.DataArray, xr.DataArray]]
THRESHOLDS = (0.5, 1.0, 2.0)


def plainly(forecast: xr.DataArray, analysis: xr.DataArray) -> dict[str, np.ndarray]:
    """Each statistic by its definition, over the members that are there."""
    x = np.moveaxis(forecast.transpose("member", *analysis.dims).values.astype(np.float64), 0, -1)
    y = analysis.values.astype(np.float64)
    there = ~np.isnan(x)
    m = there.sum(-1).astype(float)
    mean = np.nansum(x, -1) / m
    pairs = np.nansum(np.abs(x[..., :, None] - x[..., None, :]), (-1, -2)) / 2
    error = np.nansum(np.abs(x - y[..., None]), -1) / m
    several = np.where(m > 1, m, np.nan)
    result = {
        "mean": mean,
        "error": mean - y,
        "variance": np.nansum((x - mean[..., None]) ** 2, -1) / (several - 1),
        "crps": error - pairs / m**2,
        "fair_crps": error - pairs / (several * (several - 1)),
        "members": m,
        "below": (x < y[..., None]).sum(-1),
        "equal": (x == y[..., None]).sum(-1),
    }
    counts = np.stack([(x > t).sum(-1) for t in THRESHOLDS], -1)
    p = counts / m[..., None]
    plain = (p - np.stack([y > t for t in THRESHOLDS], -1)) ** 2
    result |= {"exceedances": counts, "brier": plain, "fair_brier": plain - p * (1 - p) / (several - 1)[..., None]}
    return result


def check(found: xr.Dataset, expected: dict[str, np.ndarray], scale: float, relative: float) -> None:
    assert set(found.data_vars) == set(expected)
    for name, values in expected.items():
        ours = found[name].values.astype(np.float64)
        tolerance = relative * (scale**2 if name == "variance" else scale)
        if name == "mean":
            tolerance = relative * np.nanmax(np.abs(values))
        np.testing.assert_allclose(ours, values, rtol=relative, atol=tolerance, err_msg=name)


@pytest.fixture(params=["numba", "numpy"])
def implementation(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "numpy":
        monkeypatch.setattr(fused, "kernels", None)
    return str(request.param)


@pytest.mark.parametrize(("dtype", "relative"), [(np.float32, 1e-5), (np.float64, 1e-10)])
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning", "ignore:divide by zero:RuntimeWarning")
def test_statistics_are_their_definitions(
    make_pair: MakePair, implementation: str, kind: str, dtype: type, relative: float
) -> None:
    forecast, analysis = make_pair(kind, dtype=dtype)
    found = ensemble_statistics(forecast, analysis, thresholds=THRESHOLDS)
    check(found, plainly(forecast, analysis), 10.0, relative)


@pytest.mark.parametrize(
    "order",
    [
        ("member", "lead_time", "latitude", "longitude"),
        ("lead_time", "member", "latitude", "longitude"),
        ("lead_time", "latitude", "longitude", "member"),
        ("longitude", "latitude", "member", "lead_time"),
    ],
)
def test_memory_layout_does_not_matter(make_pair: MakePair, order: tuple[str, ...]) -> None:
    forecast, analysis = make_pair("random", members=13)
    expected = plainly(forecast, analysis)
    stored = forecast.transpose(*order).copy()
    check(
        ensemble_statistics(stored, analysis, thresholds=THRESHOLDS).transpose(*analysis.dims, ...), expected, 10, 1e-10
    )
    view = forecast.isel(longitude=slice(None, None, 2), latitude=slice(None, None, -1))
    reversed_analysis = analysis.isel(longitude=slice(None, None, 2), latitude=slice(None, None, -1))
    check(
        ensemble_statistics(view, reversed_analysis, thresholds=THRESHOLDS),
        plainly(view, reversed_analysis),
        10,
        1e-10,
    )


def test_pieces_of_an_awkward_layout_join(make_pair: MakePair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fused, "COPY_BYTES", 256)
    forecast, analysis = make_pair("random")
    region = forecast.isel(longitude=slice(1, 7, 2))
    check(
        ensemble_statistics(region, analysis.isel(longitude=slice(1, 7, 2)), thresholds=THRESHOLDS),
        plainly(region, analysis.isel(longitude=slice(1, 7, 2))),
        10,
        1e-10,
    )


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning", "ignore:divide by zero:RuntimeWarning")
def test_missing_members(make_pair: MakePair, implementation: str) -> None:
    forecast, analysis = make_pair("random")
    values = forecast.values.copy()
    values[np.random.default_rng(1).random(values.shape) < 0.3] = np.nan
    values[0, 0] = np.nan
    values[:, 1, 0, 0] = np.nan
    values[1:, 1, 0, 1] = np.nan
    holed = forecast.copy(data=values)
    found = ensemble_statistics(holed, analysis, thresholds=THRESHOLDS, skip_missing=True)
    check(found, plainly(holed, analysis), 10.0, 1e-10)
    strict = ensemble_statistics(holed, analysis)
    assert (strict["fair_crps"].isnull() == holed.isnull().any("member")).all()
    assert (strict["members"] == holed.notnull().sum("member")).all()


def test_missing_analysis_has_no_score_but_a_spread(make_pair: MakePair, implementation: str) -> None:
    forecast, analysis = make_pair("random")
    found = ensemble_statistics(forecast, analysis.where(analysis > 1), thresholds=[2.0])
    for name in ("error", "crps", "fair_crps"):
        assert (found[name].isnull() == (analysis <= 1)).all()
    assert (found["brier"].isnull().squeeze("threshold", drop=True) == (analysis <= 1)).all()
    assert found["variance"].notnull().all()


def test_float32_keeps_its_digits_at_a_large_offset() -> None:
    rng = np.random.default_rng(0)
    x = (5e4 + 5 * rng.standard_normal((50, 400))).astype(np.float32)
    y = (5e4 + 5 * rng.standard_normal(400)).astype(np.float32)
    forecast, analysis = xr.DataArray(x, dims=("member", "point")), xr.DataArray(y, dims="point")
    found = ensemble_statistics(forecast, analysis)
    exact = plainly(forecast, analysis)
    for name in ("error", "variance", "crps", "fair_crps"):
        np.testing.assert_allclose(found[name], exact[name], rtol=1e-5, atol=5e-6, err_msg=name)


@settings(max_examples=25, deadline=None)
@given(members=st.integers(1, 70), seed=st.integers(0, 2**31), shift=st.floats(-10, 10), tied=st.booleans())
def test_order_shift_and_scale(members: int, seed: int, shift: float, tied: bool) -> None:
    rng = np.random.default_rng(seed)
    x, y = rng.standard_normal((members, 7)), rng.standard_normal(7)
    if tied:
        x, y = np.round(x), np.round(y)
    forecast, analysis = xr.DataArray(x, dims=("member", "point")), xr.DataArray(y, dims="point")
    one = ensemble_statistics(forecast, analysis)
    shuffled = ensemble_statistics(forecast.isel(member=rng.permutation(members)), analysis)
    xr.testing.assert_allclose(one, shuffled, atol=1e-12)
    moved = ensemble_statistics(2 * forecast + shift, 2 * analysis + shift)
    np.testing.assert_allclose(moved["crps"], 2 * one["crps"], atol=1e-12)
    np.testing.assert_allclose(moved["fair_crps"], 2 * one["fair_crps"], atol=1e-12)
    np.testing.assert_allclose(moved["variance"], 4 * one["variance"], atol=1e-12)


def test_chunks_do_not_matter(make_pair: MakePair) -> None:
    forecast, analysis = make_pair("random")
    whole = ensemble_statistics(forecast, analysis, thresholds=THRESHOLDS)
    chunked = ensemble_statistics(
        forecast.chunk(member=4, lead_time=1, latitude=4), analysis.chunk(latitude=3), thresholds=THRESHOLDS
    )
    assert all(field.chunks is not None for field in chunked.values())
    xr.testing.assert_identical(chunked.compute(), whole)


def test_integers_and_half_precision_are_scored(make_pair: MakePair) -> None:
    forecast, analysis = make_pair("tied")
    ours = ensemble_statistics(forecast.astype(np.int16), analysis.astype(np.int64))
    np.testing.assert_allclose(ours["crps"], ensemble_statistics(forecast, analysis)["crps"])
    assert ensemble_statistics(forecast.astype(np.float16), analysis)["crps"].dtype == np.float32
