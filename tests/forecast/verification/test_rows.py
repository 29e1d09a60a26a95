"""Functions of rows: each block apart, along any dimensions, with what is broadcast."""

import numpy as np
import pytest
import xarray as xr

from forecast.verification.rows import over_rows

SIZES = {"lead_time": 2, "latitude": 4, "longitude": 6}


def row_totals(field: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Sum of products, and number of points."""
    return np.stack([(field * weight).sum(axis=1), np.full(len(field), field.shape[1])], axis=-1)


def field(*chunks: int) -> xr.Variable:
    values = xr.Variable(list(SIZES), np.arange(48.0).reshape(tuple(SIZES.values())))
    return values.chunk(dict(zip(SIZES, chunks, strict=True))) if chunks else values


@pytest.mark.parametrize(
    "reduce", [("latitude", "longitude"), ("lead_time",), ("longitude", "lead_time"), tuple(SIZES)]
)
@pytest.mark.parametrize("chunks", [(), (1, 2, 6), (2, 3, 4)])
def test_totals_of_blocks_add_up(reduce: tuple[str, ...], chunks: tuple[int, ...]) -> None:
    weight = xr.Variable("latitude", [1.0, 2.0, 0.0, 4.0])
    found = over_rows(row_totals, (field(*chunks), weight), reduce, {"total": 2})
    assert found.dims == (*SIZES, "total")
    assert (found.chunks is None) == (not chunks)
    total = found.sum(reduce)
    np.testing.assert_array_equal(total.isel(total=0), (field() * weight).transpose(*SIZES).sum(reduce))
    assert (total.isel(total=1) == np.prod([SIZES[dim] for dim in reduce])).all()


def test_no_points_make_rows_of_none() -> None:
    found = over_rows(row_totals, (field().isel(latitude=slice(0)), xr.Variable((), 1.0)), ("latitude",), {"total": 2})
    assert dict(found.sizes) == {"lead_time": 2, "latitude": 1, "longitude": 6, "total": 2}
    assert (found == 0).all()
