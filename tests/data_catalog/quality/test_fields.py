"""Times of an analysis in memory."""

from dataclasses import replace

import numpy as np

from data_catalog.quality.fields import Fields, joined


def test_thinning_keeps_at_most_some_2000_points(make_fields) -> None:
    fields = make_fields(msl=np.arange(2 * 100 * 200).reshape(2, 100, 200))
    thin = fields.thinned()
    assert thin.values["msl"].shape == (2, thin.latitude.size, thin.longitude.size)
    assert 1000 < thin.latitude.size * thin.longitude.size <= 2100
    np.testing.assert_array_equal(thin.values["msl"][0, 1], fields.values["msl"][0, 4, ::4])


def test_a_gap_is_no_step(make_fields) -> None:
    fields = make_fields(msl=np.zeros((5, 2, 2)))
    gap = replace(fields, times=fields.times + np.array([0, 0, 0, 24, 24]) * np.timedelta64(1, "h"))
    assert gap.follows.tolist() == [False, True, True, False, True]


def test_joined_parts_are_the_whole(weather: Fields) -> None:
    whole = joined([weather.at(slice(0, 40)), weather.at(slice(40, None))])
    np.testing.assert_array_equal(whole.times, weather.times)
    np.testing.assert_array_equal(whole.values["msl"], weather.values["msl"])


def test_weights_are_shares(weather: Fields) -> None:
    np.testing.assert_allclose(weather.weights.sum(), 1)
    assert weather.weights[0, 0] > weather.weights[-1, 0]
    assert not weather.is_global
