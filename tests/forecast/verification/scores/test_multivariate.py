"""Scores of fields against the CRPS of one point and a variogram by hand."""

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr

from forecast.verification import UnscorableError, crps, energy_score, variogram_score

MakePair = Callable[..., tuple[xr.DataArray, xr.DataArray]]
GRID = ("latitude", "longitude")


def test_energy_score_of_one_point_is_the_crps(make_pair: MakePair) -> None:
    forecast, analysis = make_pair("offset")
    one = {"latitude": [2], "longitude": [3]}
    found = energy_score(forecast.isel(one), analysis.isel(one), dims=GRID)
    np.testing.assert_allclose(found, crps(forecast, analysis).isel(latitude=2, longitude=3), rtol=1e-9)
    doubled = energy_score(forecast, analysis, dims=GRID, norm_weights=xr.full_like(analysis[0], 4.0))
    np.testing.assert_allclose(doubled, 2 * energy_score(forecast, analysis, dims=GRID))
    assert energy_score(*make_pair("single"), dims=GRID).isnull().all()


def test_variogram_score_by_hand() -> None:
    forecast = xr.DataArray([[0.0, 4.0], [0.0, 16.0]], dims=("member", "point"))
    analysis = xr.DataArray([0.0, 1.0], dims="point")
    # Root differences are 2 and 4 in the members, 1 in the analysis; each pair counts twice.
    assert float(variogram_score(forecast, analysis, dims=["point"])) == 2 * (1 - 3) ** 2
    assert float(variogram_score(forecast, analysis, dims=["point"], order=1.0)) == 2 * (1 - 10) ** 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dims": ()}, r"dims: expected dimensions among .*, found \[\]"),
        ({"dims": ["level"]}, r"dims: expected dimensions among .*, found \['level'\]"),
        ({"dims": GRID, "reduce": ["latitude"]}, r"reduce: expected dimensions among \['lead_time'\]"),
        (
            {"dims": GRID, "norm_weights": xr.DataArray([1.0, 2.0], dims="latitude")},
            "norm_weights: expected 6 along 'latitude', found 2",
        ),
    ],
)
def test_wrong_options(make_pair: MakePair, options: dict[str, object], message: str) -> None:
    with pytest.raises(UnscorableError, match=message):
        energy_score(*make_pair("random"), **options)


def test_wrong_order(make_pair: MakePair) -> None:
    with pytest.raises(UnscorableError, match="order: expected a positive number, found 0"):
        variogram_score(*make_pair("random"), dims=GRID, order=0)
