"""Products name places on the earth and events with one threshold."""

import pytest
from pydantic import ValidationError

from forecast.system.products import Event, Point, Products
from forecast.system.reading import parse_system


@pytest.mark.parametrize("limit", ["nan", "inf"])
def test_a_threshold_is_a_number(limit):
    with pytest.raises(ValidationError, match="finite number"):
        Event(channel="tp24", above=float(limit))


def test_an_event_lies_on_one_side_of_its_threshold():
    above, below = Event(channel="tp24", above=10), Event(channel="t2m", below=0)
    assert (above.side, above.threshold) == ("above", 10.0)
    assert (below.side, below.threshold) == ("below", 0.0)


def test_zarr_is_off_and_changes_no_hash(system):
    assert Products().zarr is False
    assert "zarr" not in Products().hashed_values()
    content = system.model_dump(mode="json")
    with_zarr = parse_system(content | {"products": content["products"] | {"zarr": True}}, origin="x")
    assert with_zarr.products.zarr
    assert with_zarr.identity_hash() == system.identity_hash()
    assert with_zarr.training_hash() == system.training_hash()


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
