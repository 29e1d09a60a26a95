"""A cycle is named by its init time, and other names are refused."""

import numpy as np
import pytest

from data_catalog.errors import InvalidDataError
from forecast.system.cycles import cycle_name, parse_cycle_name


def test_a_name_is_the_time_to_the_minute():
    assert cycle_name(np.datetime64("2008-01-15T06:30", "ns")) == "20080115T0630Z"


def test_names_and_times_round_trip():
    time = np.datetime64("1999-12-31T18:00", "ns")
    assert parse_cycle_name(cycle_name(time)) == time


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("2008-01-15", "expected a name like 20080115T0000Z"),
        ("20080115T0000", "expected a name like"),
        ("20081315T0000Z", "not a time"),
    ],
)
def test_other_names_are_refused(name, message):
    with pytest.raises(InvalidDataError, match=message):
        parse_cycle_name(name)
