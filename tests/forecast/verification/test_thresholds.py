"""Thresholds are compared in the precision of the fields, in every score alike."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.verification import (
    UnscorableError,
    brier_decomposition,
    brier_score,
    ensemble_statistics,
    fss,
    relative_economic_value,
    reliability,
    roc,
    rps,
    seeps,
    twcrps,
)
from forecast.verification.thresholds import categories, comparison_precision, exceeds, highest_not_above, limits

TENTHS = (1, 2, 3, 5, 7)


def tenths(dtype: str, other: str = "") -> tuple[xr.DataArray, xr.DataArray, xr.DataArray, xr.DataArray]:
    """Values in steps of a tenth, and the same values as whole numbers, which are exact."""
    rng = np.random.default_rng(4)
    x, y = rng.integers(0, 9, (7, 5, 60)), rng.integers(0, 9, (5, 60))
    dims = ("member", "latitude", "longitude")
    whole = xr.DataArray(x.astype(float), dims=dims), xr.DataArray(y.astype(float), dims=dims[1:])
    forecast, analysis = (field / 10 for field in whole)
    return forecast.astype(dtype), analysis.astype(other or dtype), *whole


@pytest.mark.parametrize("tenth", TENTHS)
@pytest.mark.parametrize("precisions", [("f4", "f4"), ("f8", "f8"), ("f4", "f8"), ("f8", "f4"), ("f2", "f8")])
@pytest.mark.parametrize("strict", [True, False])
def test_a_value_equal_to_its_threshold_is_not_above_it(tenth: int, precisions: tuple[str, str], strict: bool) -> None:
    forecast, analysis, x, y = tenths(*precisions)
    threshold, reduce = tenth / 10, ("latitude", "longitude")
    options = {"reduce": reduce, "strict": strict}
    exact = brier_score(x, y, threshold=tenth, **options)
    np.testing.assert_allclose(brier_score(forecast, analysis, threshold=threshold, **options), exact, rtol=1e-6)
    for score in (brier_decomposition, reliability, roc, relative_economic_value):
        found = score(forecast, analysis, threshold=threshold, **options)
        xr.testing.assert_allclose(found, score(x, y, threshold=tenth, **options))
    near = fss(forecast, analysis, threshold=threshold, window=3, strict=strict)
    np.testing.assert_allclose(near, fss(x, y, threshold=tenth, window=3, strict=strict))
    if strict:
        np.testing.assert_allclose(rps(forecast, analysis, threshold=[threshold], reduce=reduce), exact, rtol=1e-6)
        found = ensemble_statistics(forecast, analysis, threshold=[threshold])["exceedances"]
        np.testing.assert_array_equal(found, ensemble_statistics(x, y, threshold=[tenth])["exceedances"])


def test_categories_of_precipitation_and_bounds_too() -> None:
    forecast, analysis, x, y = tenths("f4")
    options = {"dry_fraction": 0.4, "reduce": y.dims}
    found = seeps(forecast, analysis, heavy_threshold=0.7, dry_threshold=0.3, **options)
    np.testing.assert_allclose(found, seeps(x, y, heavy_threshold=7, dry_threshold=3, **options))
    above = twcrps(forecast.clip(max=np.float32(0.3)), analysis.clip(max=np.float32(0.3)), lower=0.3)
    assert above.dtype == np.float32
    assert (above == 0).all()


def test_numbers_several_numbers_and_fields() -> None:
    single = np.dtype(np.float32)
    assert limits("threshold", 0.1, single).item() == np.float32(0.1)
    for several in ([0.1, 0.2], (0.1, 0.2), np.array([0.1, 0.2])):
        found = limits("threshold", several, single)
        assert found.dims == ("threshold",)
        assert found["threshold"].values.tolist() == [0.1, 0.2]
        assert found.values.tolist() == np.array([0.1, 0.2], np.float32).tolist()
    field = xr.DataArray([[0.1]], dims=("quantile", "x"))
    assert limits("threshold", field, single).dims == field.dims
    for wrong in ("0.1", np.zeros((2, 2)), [[1, 2], [3]], None, xr.DataArray(["a"], dims="x")):
        with pytest.raises(UnscorableError, match="threshold: expected a number, several, or a DataArray"):
            limits("threshold", wrong, single)  # type: ignore[arg-type]


def test_categories_lie_along_a_dimension_of_their_own() -> None:
    points = xr.DataArray(np.zeros(3), dims="x")
    found, along = categories(limits("threshold", 1.0, np.dtype(float)), points)
    assert (found.dims, along) == (("threshold",), "threshold")
    by_place = xr.DataArray(np.ones((3, 2)), dims=("x", "tercile"))
    assert categories(by_place, points)[1] == "tercile"
    assert categories(points, points)[0].sizes == {"threshold": 1, "x": 3}
    with pytest.raises(UnscorableError, match="threshold: expected a dimension 'threshold'"):
        categories(by_place.expand_dims(other=2), points)
    with pytest.raises(UnscorableError, match=r"thresholds: expected increasing numbers, found \[2.0, 2.0\]"):
        categories(xr.DataArray([2.0, 2.0], dims="threshold"), points)


def test_the_coarsest_precision_of_the_fields() -> None:
    def field(dtype: str) -> xr.DataArray:
        return xr.DataArray(np.zeros(1, dtype), dims="x")

    assert comparison_precision(field("f8"), field("f4")) == np.float32
    assert comparison_precision(field("u1"), field("f4")) == np.float32
    assert comparison_precision(field("u1"), field("i8")) == np.float64
    assert exceeds(field("u1") + 1, limits("threshold", 0.5, np.dtype(float))).all()


@settings(max_examples=200, deadline=None)
@given(threshold=st.floats(-(2.0**90), 2.0**90, width=32), steps=st.integers(-3, 3), share=st.floats(0, 1))
def test_a_threshold_for_a_finer_type_gives_the_events_of_the_coarser(
    threshold: float, steps: int, share: float
) -> None:
    limit = np.array([threshold], np.float32)
    numbers = np.array([np.nextafter(limit, np.float32(np.inf), dtype=np.float32), limit], np.float64).ravel()
    near = numbers[1] + share * (numbers[0] - numbers[1])
    for _ in range(abs(steps)):
        near = np.nextafter(near, np.inf * np.sign(steps))
    finer = highest_not_above(limit, np.dtype(np.float64))
    assert (near > finer[0]) == (np.float32(near) > limit[0])
    assert highest_not_above(limit, np.dtype(np.float32)) == limit
