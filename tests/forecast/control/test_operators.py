"""What a place sees of a field: weights that add up to one, and SI values of standardised states."""

import numpy as np
import pytest
import torch

from data_catalog.errors import ConfigurationError
from forecast.control.conditions import Place, parse_condition
from forecast.control.operators import Observer, place_weights
from forecast.sphere.grid import Grid
from forecast.verification import at_stations
from tests.forecast.conftest import cell_centres

GLOBE = Grid(*cell_centres(8, 16))
REGION = Grid(np.arange(30.0, 61.0, 5.0), np.arange(300.0, 351.0, 5.0))
TIME = np.datetime64("2001-06-01", "ns")


def point(latitude: float, longitude: float) -> Place:
    return Place(latitude, latitude, longitude, longitude)


@pytest.mark.parametrize("place", [point(0, 0), point(89.5, -170), point(12, 359), Place(20, 60, -40, 30)])
def test_weights_add_up_to_one(place: Place) -> None:
    assert place_weights(place, GLOBE).sum() == pytest.approx(1.0)


def test_a_box_is_the_mean_by_area_of_the_points_in_it() -> None:
    weights = place_weights(Place(0, 90, 0, 360), GLOBE)
    assert (weights[:4] == 0).all()
    np.testing.assert_allclose(weights.sum(1)[4:], GLOBE.cells.areas[4:] / GLOBE.cells.areas[4:].sum())


@pytest.mark.parametrize("place", [point(64, -22), point(45, 20), Place(40, 70, -40, -20), Place(41, 42, -33.9, -33)])
def test_a_place_off_the_grid_is_refused(place: Place) -> None:
    with pytest.raises(ConfigurationError, match=r"msl: expected a .*30 to 60 north and 300 to 350 east, found"):
        place_weights(place, REGION, what="msl")


def test_values_are_those_of_the_physical_fields(checkpoint, analysis) -> None:
    day = analysis.sel(time=[TIME])
    state = checkpoint.standardiser.to_tensor(day)
    channels, places = ["z500", "u850", "tp24"], [point(10, 20), point(-33, 300), point(11.25, 22.5)]
    seen = Observer(checkpoint.standardiser, checkpoint.grid, TIME, channels, places)(state)[0]
    for name, place, value in zip(channels, places, seen, strict=True):
        expected = at_stations(day[name][0], place.south, place.west % 360, method="linear")
        assert float(value) == pytest.approx(float(expected), rel=1e-4, abs=1e-4)


def test_a_dry_point_has_a_gradient(checkpoint) -> None:
    dry = torch.full((1, 3, 8, 16), -4.0, requires_grad=True)
    (value,) = Observer(checkpoint.standardiser, checkpoint.grid, TIME, ["tp24"], [point(0, 0)])(dry)[0]
    assert float(value.detach()) < 0
    (gradient,) = torch.autograd.grad(value, dry)
    assert float(gradient.abs().sum()) > 0


def test_a_box_of_a_condition_is_seen_as_its_mean(checkpoint) -> None:
    condition = parse_condition("z500@20N:80N,0E:90E = 54000 at 24h")
    state = torch.randn(2, 3, 8, 16, generator=torch.Generator().manual_seed(0))
    seen = Observer(checkpoint.standardiser, checkpoint.grid, TIME, ["z500"], [condition.place])(state)[:, 0]
    fields = checkpoint.standardiser.to_fields(state, TIME)["z500"]
    expected = (fields * place_weights(condition.place, checkpoint.grid)).sum((1, 2))
    np.testing.assert_allclose(seen.numpy(), expected, rtol=1e-5)
