"""What neighbours say of a point."""

import numpy as np

from data_catalog.quality.neighbours import fit_neighbours
from data_catalog.quality.reference import fit_reference


def test_a_spike_stands_out_of_smooth_weather(weather) -> None:
    usual = fit_reference("z500", weather)
    anomalies = usual.anomalies(weather.times, weather.values["z500"])
    before = np.abs(usual.neighbours.departures(anomalies)[50]).max()
    anomalies[50, 6, 9] += 2
    departures = np.abs(usual.neighbours.departures(anomalies)[50])
    assert np.unravel_index(departures.argmax(), departures.shape) == (6, 9)
    assert departures.max() > 2 * before


def test_a_departure_counts_less_where_weather_is_rough() -> None:
    rng = np.random.default_rng(0)
    size = rng.choice([0.3, 3.0], 200)[:, None, None]
    field = (size * rng.standard_normal((200, 6, 7))).astype(np.float32)
    neighbours = fit_neighbours(field, periodic=True)
    calm, rough = (np.abs(neighbours.departures(field))[size[:, 0, 0] == one].mean() for one in (0.3, 3.0))
    assert neighbours.growth[1:].max() > 0
    assert rough / calm < 7
