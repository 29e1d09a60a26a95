"""Skill: relative to a reference on the same coordinates."""

import numpy as np
import pytest
import xarray as xr

from forecast.verification import UnscorableError, skill


def test_skill_of_errors_and_of_correlations() -> None:
    score = xr.DataArray([0.5, 2.0, 0.0], dims="lead_time", coords={"lead_time": [24, 48, 72]}, attrs={"units": "K"})
    reference = xr.DataArray([1.0, 1.0, 0.0], dims="lead_time", coords={"lead_time": [24, 48, 72]})
    found = skill(score, reference)
    np.testing.assert_array_equal(found, [0.5, -1.0, np.nan])
    assert found.name == "skill"
    assert found.attrs == {}
    assert float(skill(xr.DataArray(0.9), xr.DataArray(0.6), perfect=1.0)) == pytest.approx(0.75)


def test_a_reference_for_all_leads_and_one_of_each_score() -> None:
    score = xr.DataArray([[1.0, 2.0]], dims=("case", "lead_time"))
    np.testing.assert_allclose(skill(score, xr.DataArray(4.0)), [[0.75, 0.5]])
    both = xr.Dataset({"crps": score, "mae": 2 * score})
    found = skill(both, xr.Dataset({"crps": xr.DataArray(4.0), "mae": xr.DataArray(4.0), "rmse": xr.DataArray(1.0)}))
    np.testing.assert_allclose(found["mae"], [[0.5, 0.0]])
    assert set(found.data_vars) == {"crps", "mae"}


def test_what_is_refused() -> None:
    score = xr.DataArray([1.0, 2.0], dims="lead_time", coords={"lead_time": [24, 48]}, attrs={"units": "K"})
    with pytest.raises(UnscorableError, match="reference: expected the coordinates of the forecast along 'lead_time'"):
        skill(score, score.assign_coords(lead_time=[24, 72]))
    with pytest.raises(UnscorableError, match="reference: expected unit 'K' as the score has, found 'Pa'"):
        skill(score, score.assign_attrs(units="Pa"))
    with pytest.raises(UnscorableError, match="reference: expected dimensions among"):
        skill(score, score.expand_dims(other=2))
    with pytest.raises(UnscorableError, match="reference: expected the variables of the score"):
        skill(score.to_dataset(name="a"), score.to_dataset(name="b"))
    with pytest.raises(UnscorableError, match="expected a DataArray for a DataArray"):
        skill(score.to_dataset(name="a"), score)  # type: ignore[type-var]
