import numpy as np
import pytest
import xarray as xr

from data_catalog.errors import ConfigurationError, InvalidDataError
from forecast.products.ensemble.summaries import ensemble_mean, ensemble_quantile, ensemble_spread

VALUES = np.random.default_rng(0).normal(280, 5, (7, 2, 3)).astype(np.float32)


@pytest.fixture(params=["numpy", "dask"])
def members(request):
    field = xr.DataArray(VALUES, dims=("number", "lead_time", "latitude"), attrs={"units": "K"}, name="t2m")
    return field if request.param == "numpy" else field.chunk(number=3, latitude=1)


def test_they_are_those_of_numpy(members):
    for found, expected in (
        (ensemble_mean(members), VALUES.mean(0)),
        (ensemble_spread(members), VALUES.std(0, ddof=1)),
        (ensemble_quantile(members, 0.3), np.quantile(VALUES, 0.3, axis=0)),
        (ensemble_quantile(members, [0.1, 0.5]), np.quantile(VALUES, [0.1, 0.5], axis=0)),
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-5)
        assert found.attrs["units"] == "K"
        assert (found.chunks is None) == (members.chunks is None)
    assert ensemble_quantile(members, [0.1, 0.5]).dims == ("quantile", "lead_time", "latitude")


def test_a_missing_member_makes_its_point_missing(members):
    gappy = members.where((members["number"] != 2) | (members["latitude"] != 1))
    for found in (ensemble_mean(gappy), ensemble_spread(gappy), ensemble_quantile(gappy, 0.5)):
        np.testing.assert_array_equal(found.isnull(), [[False, True, False]] * 2)


def test_what_is_no_ensemble_is_refused(members):
    with pytest.raises(ConfigurationError, match=r"quantile: expected levels from 0 to 1, found 1\.5"):
        ensemble_quantile(members, 1.5)
    for summary in (ensemble_mean, ensemble_spread):
        with pytest.raises(InvalidDataError, match="expected one dimension 'member'"):
            summary(members.rename(number="x"))
