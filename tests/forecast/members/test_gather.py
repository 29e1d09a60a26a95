"""An ensemble in memory holds the members of the generator, on the axes that scores need."""

import numpy as np
import pytest

from forecast.members.ensemble import MemberRequest, forecast_members
from forecast.members.gather import ensemble_forecast, lead_times

INIT = np.datetime64("2001-12-10", "ns")


@pytest.fixture(scope="module")
def made(checkpoint, system, analysis):
    return ensemble_forecast(checkpoint, system, analysis, INIT, members=3, lead_steps=2)


def test_axes_are_those_of_an_ensemble(made, system, analysis):
    assert list(made.data_vars) == list(system.state.predictands)
    for name, field in made.items():
        assert field.dims == ("member", "lead_time", "latitude", "longitude")
        assert field.dtype == np.float32
        assert field.attrs == analysis[name].attrs
    assert made["member"].values.tolist() == [0, 1, 2]
    assert made["init_time"].values == INIT
    np.testing.assert_array_equal(made["lead_time"].values, np.array([24, 48], "timedelta64[h]"))
    np.testing.assert_array_equal(made["latitude"].values, analysis["latitude"].values)


def test_members_are_those_of_the_generator(made, checkpoint, system, analysis):
    request = MemberRequest(INIT, range(3), 2)
    for fields in forecast_members(checkpoint, system, analysis, request, batch_size=system.forecast.batch_size):
        for name, values in fields.fields.items():
            found = made[name].isel(member=list(fields.members), lead_time=fields.lead_index)
            np.testing.assert_array_equal(found.values, values)


def test_lead_times_are_whole_steps(system):
    assert lead_times(system, 3).dtype == "timedelta64[ns]"
    np.testing.assert_array_equal(lead_times(system, 3), np.array([24, 48, 72], "timedelta64[h]"))
