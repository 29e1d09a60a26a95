import numpy as np
import pytest
import scipy.stats
import xarray as xr

from data_catalog.errors import InvalidDataError
from forecast.products.ensemble.sensitivity import ensemble_sensitivity

MEMBERS = 40
RNG = np.random.default_rng(5)


@pytest.fixture(params=["numpy", "dask"])
def state(request):
    field = xr.DataArray(
        RNG.normal(1000, 8, (MEMBERS, 3, 4)),
        dims=("member", "latitude", "longitude"),
        coords={"member": np.arange(MEMBERS), "latitude": [30.0, 40.0, 50.0], "lead_time": np.timedelta64(1, "D")},
    )
    return field if request.param == "numpy" else field.chunk(member=10, latitude=1)


@pytest.fixture
def response(state):
    """It hangs on one point: three units for each unit there."""
    noise = RNG.normal(0, 6, MEMBERS)
    made = 3 * state.isel(latitude=1, longitude=2, drop=True).compute() + noise
    return made.assign_coords(lead_time=np.timedelta64(3, "D")).assign_attrs(units="m")


def test_it_is_a_regression_at_each_point(state, response):
    found = ensemble_sensitivity(response, state).compute()
    for row, column in np.ndindex(3, 4):
        of_point = state.values[:, row, column]
        expected = scipy.stats.linregress(of_point, response.values)
        at = {"latitude": row, "longitude": column}
        np.testing.assert_allclose(found["sensitivity"].isel(at), expected.slope * of_point.std(ddof=1))
        np.testing.assert_allclose(found["correlation"].isel(at), expected.rvalue)
        np.testing.assert_allclose(found["p_value"].isel(at), expected.pvalue, rtol=1e-6)
    assert found["sensitivity"].attrs["units"] == "m"


def test_a_planted_cause_is_found(state, response):
    found = ensemble_sensitivity(response, state).compute()
    strongest = np.unravel_index(int(np.abs(found["sensitivity"].values).argmax()), (3, 4))
    assert strongest == (1, 2)
    assert float(found["p_value"][1, 2]) < 1e-6
    assert float(found["sensitivity"][1, 2]) == pytest.approx(3 * 8, rel=0.3)


def test_members_are_matched_by_their_labels(state, response):
    shuffled = response.isel(member=RNG.permutation(MEMBERS))
    xr.testing.assert_allclose(ensemble_sensitivity(shuffled, state), ensemble_sensitivity(response, state))


def test_outcomes_may_be_several(state, response):
    several = xr.concat([response, -response], "region")
    found = ensemble_sensitivity(several, state)["sensitivity"]
    np.testing.assert_allclose(found.isel(region=0), -found.isel(region=1))


def test_what_says_nothing_is_missing(state, response):
    same = state.where(state["latitude"] != 30, 1000.0)
    gappy = same.where((state["latitude"] != 50) | (state["member"] != 3))
    found = ensemble_sensitivity(response, gappy).compute()
    assert bool(found["sensitivity"].sel(latitude=[30, 50]).isnull().all())
    assert bool(found["p_value"].sel(latitude=40).notnull().all())


def test_other_members_are_refused(state, response):
    with pytest.raises(InvalidDataError, match="expected the 40 members of the state, found 39"):
        ensemble_sensitivity(response[:39], state)
    with pytest.raises(InvalidDataError, match="expected the 40 members of the state, found 39"):
        ensemble_sensitivity(response[:39].drop_vars("member"), state)
    with pytest.raises(InvalidDataError, match="expected 4 members or more, found 3"):
        ensemble_sensitivity(response[:3], state[:3])
    with pytest.raises(InvalidDataError, match="response: expected dimension 'member'"):
        ensemble_sensitivity(response.mean(), state)
