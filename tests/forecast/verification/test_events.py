"""Events and probabilities: compared as asked, missing where unknown, refused where they are something else."""

import numpy as np
import pytest
import xarray as xr

from forecast.verification import UnscorableError
from forecast.verification.events import events, probabilities


@pytest.mark.parametrize(
    ("operator", "expected"), [(">", [0, 0, 1]), (">=", [0, 1, 1]), ("<", [1, 0, 0]), ("<=", [1, 1, 0])]
)
def test_operators(operator: str, expected: list[int]) -> None:
    field = xr.DataArray(np.float32([0.0, 0.1, 0.2, np.nan]), dims="x")
    limit = xr.DataArray(np.float32(0.1))
    found = events("forecast", field, limit, operator)  # type: ignore[arg-type]
    assert found.values[:3].tolist() == expected
    assert np.isnan(found.values[3])
    assert events("forecast", field, limit.where(False), operator).isnull().all()  # type: ignore[arg-type]


def test_events_without_threshold_are_0_or_1() -> None:
    seen = xr.DataArray([1.0, 0.0, np.nan], dims="x")
    np.testing.assert_array_equal(events("analysis", seen, None, ">"), seen)
    with pytest.raises(UnscorableError, match="analysis: expected events, which are 0 or 1, found 2; give a threshold"):
        events("analysis", seen + 1, None, ">")
    lazy = events("analysis", (seen + 1).chunk(x=1), None, ">")
    with pytest.raises(UnscorableError, match="expected events"):
        lazy.compute()
    with pytest.raises(UnscorableError, match="operator: expected one of"):
        events("analysis", seen, None, "==")  # type: ignore[arg-type]


def test_probabilities_lie_within_0_and_1() -> None:
    given = xr.DataArray([0.0, 0.5, 1 + 1e-9, np.nan], dims="x")
    assert probabilities("forecast", given).values[:3].tolist() == [0.0, 0.5, 1.0]
    with pytest.raises(UnscorableError, match="forecast: expected probabilities from 0 to 1, found 50"):
        probabilities("forecast", given * 100)
