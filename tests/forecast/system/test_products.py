"""Products name places on the earth and events with one threshold."""

import pytest
from pydantic import ValidationError

from forecast.system.products import Event, Point, Products


@pytest.mark.parametrize("thresholds", [{}, {"above": 1.0, "below": 0.0}])
def test_an_event_has_one_threshold(thresholds):
    with pytest.raises(ValidationError, match="expected one of 'above' and 'below' for tp24"):
        Event(channel="tp24", **thresholds)


def test_a_threshold_may_be_zero():
    assert Event(channel="tp24", above=0.0).above == 0.0


@pytest.mark.parametrize(("latitude", "longitude"), [(91.0, 0.0), (0.0, 360.0), (0.0, -181.0)])
def test_a_place_lies_on_the_earth(latitude, longitude):
    with pytest.raises(ValidationError):
        Point(name="nowhere", latitude=latitude, longitude=longitude)


@pytest.mark.parametrize("quantile", [0.0, 1.0])
def test_quantiles_lie_between_zero_and_one(quantile):
    with pytest.raises(ValidationError):
        Products(quantiles=(quantile,))
