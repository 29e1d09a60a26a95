"""A forecast starts from the analyses that it needs; a missing one is named."""

import numpy as np
import pytest

from data_catalog.errors import InvalidDataError, MissingDataError
from forecast.states.starts import initial_state_hash, past_times, select_past, start_members


def test_past_times_end_at_the_init_time():
    times = past_times(np.datetime64("2008-03-01", "ns"), 3, 12)
    assert [str(time)[:13] for time in times] == ["2008-02-29T00", "2008-02-29T12", "2008-03-01T00"]


def test_a_hole_in_the_past_is_an_error_and_a_late_analysis_is_not_yet(analysis):
    init = analysis["time"].values[10]
    with pytest.raises(InvalidDataError, match="expected an analysis at 2001-01-10"):
        select_past(analysis.drop_isel(time=[9]), init, 2, 24)
    with pytest.raises(MissingDataError, match="found 10 times"):
        select_past(analysis.isel(time=slice(10)), init, 2, 24)


def test_the_selected_states_are_the_past_ones(analysis):
    init = analysis["time"].values[10]
    assert (select_past(analysis, init, 3, 48)["time"].values == analysis["time"].values[[6, 8, 10]]).all()


def test_the_hash_is_of_times_and_values_of_the_predictands(analysis):
    past = select_past(analysis, analysis["time"].values[10], 2, 24)
    known = initial_state_hash(past, ("z500", "u850"))
    assert len(known) == 64
    assert initial_state_hash(past.assign(tp24=past["tp24"] + 1), ("z500", "u850")) == known
    reordered = past.transpose("longitude", "latitude", "time")
    assert initial_state_hash(reordered, ("z500", "u850")) == known
    later = past.assign_coords(time=past["time"] + np.timedelta64(1, "h"))
    others = [
        initial_state_hash(past, ("u850", "z500")),
        initial_state_hash(past.assign(z500=past["z500"] + 1), ("z500", "u850")),
        initial_state_hash(later, ("z500", "u850")),
    ]
    assert len({known, *others}) == 4


def test_the_members_of_an_ensemble_of_analyses_enter_the_hash(analysis):
    past = select_past(analysis, analysis["time"].values[10], 2, 24)
    ensemble = past.expand_dims(member=[0, 7])
    assert (start_members(past), start_members(ensemble)) == ((), (0, 7))
    assert initial_state_hash(ensemble, ("z500",)) != initial_state_hash(past, ("z500",))
