"""The points of an ensemble one by one, for scores that are written out anew."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest
import xarray as xr
from numpy.typing import NDArray

from forecast.verification import area_weights

Point = tuple[NDArray[np.float64], float, float]


def _cases(forecast: xr.DataArray, analysis: xr.DataArray) -> Iterator[Point]:
    area = area_weights(analysis["latitude"]).broadcast_like(analysis).transpose(*analysis.dims).values.ravel()
    members = forecast.transpose(*analysis.dims, "member").values.astype(float).reshape(analysis.size, -1)
    yield from zip(members, analysis.values.astype(float).ravel(), area, strict=True)


@pytest.fixture
def cases() -> Callable[[xr.DataArray, xr.DataArray], Iterator[Point]]:
    """Call it with a forecast and its analysis: members, analysis and area of every point."""
    return _cases
