import numpy as np
import pytest

from forecast.products.ensemble.explanation import (
    EARTH_RADIUS_M,
    Place,
    cell_areas,
    centre_of,
    direction,
    distances_km,
    place_of,
    radius_of_half_km,
    squared_sensitivity,
    state_shares,
)


def test_cells_cover_the_globe(explanation):
    assert float(cell_areas(explanation).sum()) == pytest.approx(4 * np.pi * EARTH_RADIUS_M**2)


def test_shares_of_channels_and_rings(explanation):
    """msl: 3 x 900 a standard deviation far away; t2m: 100 x 5 at the place, whose cell is smaller."""
    area = cell_areas(explanation).values
    msl, t2m = 2700**2 / area[11, 30], 500**2 / area[12, 0]
    found = state_shares(explanation)
    for statistic in ("mean", "spread"):
        shares = found[f"{statistic}_share_of_channel"]
        np.testing.assert_allclose(shares, [msl / (msl + t2m), t2m / (msl + t2m)])
        rings = found[f"{statistic}_share_of_ring"]
        np.testing.assert_allclose(rings.sel(ring=500), t2m / (msl + t2m))
        np.testing.assert_allclose(rings.sel(ring=2000) + rings.sel(ring=4000), msl / (msl + t2m))
    assert squared_sensitivity(explanation, "mean").dims == ("channel", "latitude", "longitude")


def test_where_it_is(explanation):
    place = place_of(explanation)
    assert (place.latitude, place.longitude) == pytest.approx((50.625, 0))
    latitude, longitude = centre_of(explanation, "mean")
    assert (latitude, longitude) == (39.375, 337.5)
    assert direction(place, latitude, longitude) == "south-west"
    assert direction(place, 50, 350) == "west"
    assert direction(place, 80, 0) == "north"
    assert direction(place, 20, 10) == "south"
    away = float(distances_km(explanation, place)[11, 30])
    assert radius_of_half_km(explanation, "mean") == pytest.approx(away)
    assert 2000 < away < 2300


def test_distances_are_those_of_the_globe(explanation):
    far = distances_km(explanation, Place(-84.375, 0.0)).values
    assert far[0, 0] == pytest.approx(0, abs=1e-6)
    assert far[-1, 16] == pytest.approx(np.pi * EARTH_RADIUS_M / 1000, rel=1e-6)


def test_what_hangs_on_nothing_has_no_shares(explanation):
    names = [name for name in explanation if str(name).startswith("spread_to_")]
    found = state_shares(explanation.assign({name: 0 * explanation[name] for name in names}))
    assert np.isnan(found["spread_share_of_channel"]).all()
    assert np.isfinite(found["mean_share_of_channel"]).all()
