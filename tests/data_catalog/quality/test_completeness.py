"""Whether values are there."""

import numpy as np
import pytest
import xarray as xr

from data_catalog.quality.completeness import completeness, missing_counts


def test_what_is_lost_is_a_share(make_fields) -> None:
    values = np.ones((3, 4, 5))
    values[1, 0, :2] = np.nan
    values[2] = np.nan
    missing = np.zeros((4, 5), bool)
    missing[0, 0] = True
    lost = completeness("sst", make_fields(sst=values), missing)["lost"]
    np.testing.assert_allclose(lost.values, [0, 0.05, 1])
    assert lost.limit is not None


def test_members_and_leads_are_counted() -> None:
    values = np.zeros((3, 2, 4, 5))
    values[1, 0, 2, 3] = np.inf
    values[2, 1] = np.nan
    dims = ("member", "lead_time", "latitude", "longitude")
    counts = missing_counts(xr.Dataset({"msl": (dims, values)}))["msl"]
    assert counts.dims == ("member", "lead_time")
    assert counts.values.tolist() == [[0, 0], [1, 0], [0, 20]]


NO_MEMBERS = xr.Dataset({"a": (("member", "latitude", "longitude"), np.zeros((0, 2, 2)))})


@pytest.mark.parametrize("nothing", [xr.Dataset(), xr.Dataset({"a": ("time", [1.0])}), NO_MEMBERS])
def test_nothing_measured_has_failed(nothing: xr.Dataset) -> None:
    with pytest.raises(ValueError, match="nothing was measured"):
        missing_counts(nothing)
