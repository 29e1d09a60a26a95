"""SEEPS: its costs, categories and the climates that it is defined for."""

import numpy as np
import pytest
import xarray as xr

from forecast.verification import UnscorableError, seeps

DRY = xr.DataArray(0.4)


def test_seeps_of_the_climatological_extremes() -> None:
    analysis = xr.DataArray([0.0, 1.0, 9.0], dims="case")
    dry = analysis.expand_dims(member=1) * 0
    found = seeps(dry, analysis, dry_fraction=DRY, heavy_threshold=xr.DataArray(5.0))
    np.testing.assert_allclose(found, [0, 1 / 0.6 / 2, 4 / 0.6 / 2])
    # Dry with p1 = 0.4, light 0.4, heavy 0.2: always forecasting one category has no skill.
    assert float((found * xr.DataArray([0.4, 0.4, 0.2], dims="case")).sum()) == pytest.approx(1)
    assert seeps(dry, analysis, dry_fraction=DRY * 0, heavy_threshold=xr.DataArray(5.0)).isnull().all()


def test_members_are_scored_one_by_one() -> None:
    analysis = xr.DataArray([0.0, 1.0, 9.0], dims="case")
    members = xr.DataArray([[0.0, 0.0, 0.0], [9.0, 9.0, 9.0]], dims=("member", "case"))
    options = {"dry_fraction": DRY, "heavy_threshold": xr.DataArray(5.0)}
    each = [seeps(members.isel(member=[index]), analysis, **options) for index in range(2)]
    np.testing.assert_allclose(seeps(members, analysis, **options), (each[0] + each[1]) / 2)


def test_a_limit_for_other_points_is_refused() -> None:
    analysis = xr.DataArray([0.0, 1.0, 9.0], dims="case")
    limit = xr.DataArray([5.0, 6.0], dims="case")
    with pytest.raises(UnscorableError, match="heavy_threshold: expected 3 along 'case', found 2"):
        seeps(analysis.expand_dims(member=1), analysis, dry_fraction=DRY, heavy_threshold=limit)
