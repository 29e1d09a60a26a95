import numpy as np

from forecast.products.plots.styles import departure_levels, level_norm, spread_levels, style_of, title_of, value_levels


def test_channels_are_formatted_as_titles():
    assert title_of("z500") == "500 hPa geopotential height"
    assert title_of("tp24") == "24 h precipitation"


def test_levels_span_the_data_at_round_numbers():
    style = style_of("z500")
    levels = value_levels(style, [np.array([[485.0, 590.0]])])
    assert levels[0] <= 485
    assert levels[-1] >= 590
    assert np.allclose(np.diff(levels), 8.0)
    spread = spread_levels([np.linspace(0, 14, 100)])
    assert spread[0] == 0
    assert spread[-1] >= 13.9
    assert np.all(np.diff(spread) > 0)
    assert spread_levels([np.zeros(4)]).size > 3
    departures = departure_levels([np.linspace(-7, 3, 1000), np.array([0.1, np.nan])])
    np.testing.assert_allclose(departures, [-8, -6.4, -4.8, -3.2, -1.6, -0.8, 0.8, 1.6, 3.2, 4.8, 6.4, 8])
    assert np.all(np.diff(departure_levels([np.zeros(4)])) > 0)
    norm = level_norm(np.array([-10.0, -5, 0, 5, 10, 15]), style_of("u850"))
    assert norm(np.array([-2.5])) + norm(np.array([2.5])) == 255
