"""The map of stations: where they lie, which colours they have, and what cannot be drawn."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure

from data_catalog.errors import InvalidDataError
from forecast.products.plots.station_maps import plot_station_scores


def score(longitude: list[float], values: list[float]) -> xr.DataArray:
    places = {"latitude": ("station", np.linspace(40, 60, len(longitude))), "longitude": ("station", longitude)}
    return xr.DataArray(values, dims="station", coords=places, attrs={"units": "K"})


def test_stations_have_their_values_and_missing_ones_a_cross(tmp_path: Path, drawn: list[Figure]) -> None:
    plot_station_scores(score([-5.0, 10.0, 350.0], [1.0, np.nan, 3.0]), tmp_path / "m.png", quantity="CRPS")
    points = [each for each in drawn[0].axes[0].collections if each.get_array() is not None]
    assert [each.get_array().tolist() for each in points] == [[1.0, 3.0]]
    assert drawn[0].axes[1].get_xlabel() == "CRPS, K"
    x = points[0].get_offsets()[:, 0]
    assert np.ptp(x) < 2e6  # 5 and 10 degrees west, however they are written


def test_colours_are_alike_on_both_sides_of_the_centre(tmp_path: Path, drawn: list[Figure]) -> None:
    plot_station_scores(score([0.0, 5.0], [-0.5, 4.0]), tmp_path / "m.png", centre=0.0)
    levels = next(e for e in drawn[0].axes[0].collections if e.get_array() is not None).norm.boundaries
    assert levels[0] == -levels[-1]


@pytest.mark.parametrize("longitude", [[179.0, -179.0], [0.0, 170.0, -100.0], [7.0]])
def test_all_stations_lie_on_the_map(tmp_path: Path, drawn: list[Figure], longitude: list[float]) -> None:
    plot_station_scores(score(longitude, [1.0] * len(longitude)), tmp_path / "m.png")
    axes = drawn[0].axes[0]
    points = next(each for each in axes.collections if each.get_array() is not None).get_offsets()
    outline = axes.patches[0].get_path()
    assert outline.contains_points(points).all()


def test_what_is_refused(tmp_path: Path) -> None:
    one = score([0.0, 5.0], [1.0, 2.0])
    for wrong, match in (
        (one.drop_vars("latitude"), "expected coordinate 'latitude' along 'station', found none"),
        (one * np.nan, "expected a score at one of 2 stations, found none"),
        (one.expand_dims(lead_time=2), "expected one dimension"),
    ):
        with pytest.raises(InvalidDataError, match=f"^station scores: {match}"):
            plot_station_scores(wrong, tmp_path / "m.png")
