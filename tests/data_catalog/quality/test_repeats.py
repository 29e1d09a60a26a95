"""Fields that are there twice."""

from dataclasses import replace

import numpy as np

from data_catalog.quality.repeats import copies, fingerprints, repeats


def test_a_frozen_part_is_counted(weather) -> None:
    values = weather.values["z500"].copy()
    values[20, :7] = values[19, :7]
    changes = np.ones_like(values)
    equal = repeats("z500", changes, replace(weather, values={"z500": values}))["equal"].values
    assert np.nanargmax(equal) == 20
    assert equal[20] >= 0.5
    assert np.isnan(equal[0])


def test_zeros_do_not_count_as_equal(make_fields) -> None:
    rain = np.zeros((3, 4, 5))
    rain[:, 0, 0] = [1, 2, 2]
    assert repeats("tp24", np.ones((3, 4, 5), np.float32), make_fields(tp24=rain))["equal"].values[1:].tolist() == [
        0,
        1,
    ]


def test_a_copy_names_its_origin(weather) -> None:
    prints = fingerprints(weather.values["msl"][[4, 5, 4]])
    assert prints[0] == prints[2] != prints[1]
    known = {prints[0]: weather.times[4], prints[1]: weather.times[5]}
    found = copies(prints, weather.times[[4, 5, 30]], known)["copy"]
    assert found.values.tolist() == [0, 0, 1]
    assert "2008-01-05" in found.reason
