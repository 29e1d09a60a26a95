"""Maps in pixels: their place, their colours, and what stays white."""

from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from forecast.products.plots.figures import DPI
from forecast.products.plots.geography import map_frame
from forecast.products.plots.map_panels import MapPanel, canvas, map_panel, shade
from forecast.products.plots.maps import value_shading
from forecast.products.plots.styles import style_of


@pytest.fixture
def panel(synthetic: SimpleNamespace) -> MapPanel:
    figure = Figure(figsize=(4.0, 3.0), dpi=DPI, facecolor="white")
    return map_panel(canvas(figure), map_frame(*synthetic.GLOBAL), 0.5, 0.5, 3.0)


def drawn(panel: MapPanel) -> np.ndarray:
    figure = panel.axes.figure
    pixels = FigureCanvasAgg(figure)  # type: ignore[arg-type]
    pixels.draw()
    return np.asarray(pixels.buffer_rgba())[::-1, :, :3].astype(int)


def field(synthetic: SimpleNamespace, south: float, north: float) -> np.ndarray:
    latitude, longitude = synthetic.GLOBAL
    return np.repeat(np.where(latitude > 0, north, south)[:, None], longitude.size, axis=1)


def test_each_half_has_the_colour_of_its_value(panel: MapPanel, synthetic: SimpleNamespace) -> None:
    style, values = style_of("t2m"), field(synthetic, 250.0, 300.0)
    shading = value_shading(style, [values])
    shade(panel, values, style, shading)
    picture = drawn(panel)
    for part, value in ((0.1, 250.0), (0.9, 300.0)):
        row = picture[panel.bottom + int(part * panel.height), panel.left : panel.left + panel.width]
        expected = shading.colours(shading.norm([value]), bytes=True)[0, :3]
        assert np.isclose(row, expected, atol=1).all(axis=1).mean() > 0.4  # the rest are lines, or beside the globe
    corner = picture[panel.bottom + 2, panel.left + 2]
    assert corner.tolist() == [255, 255, 255]


def test_gaps_and_amounts_below_the_first_level_stay_white(panel: MapPanel, synthetic: SimpleNamespace) -> None:
    style, values = style_of("tp24"), field(synthetic, 0.0, 40.0)
    values[-3:] = np.nan
    shade(panel, values, style, value_shading(style, [np.array([0.0, 40.0])]))
    picture = drawn(panel)
    white = (picture == 255).all(axis=2)[:, panel.left + panel.width // 2 :]
    middle = white[panel.bottom : panel.bottom + panel.height, : panel.width // 4]
    south, north, top = (middle[int(part * panel.height)].mean() for part in (0.3, 0.62, 0.97))
    assert south > 0.6
    assert north < 0.1
    assert top > 0.6


def test_projection_coordinates_land_on_the_panel(panel: MapPanel) -> None:
    outline = panel.to_pixels.transform(panel.frame.outline)
    assert np.allclose(outline.min(axis=0), (panel.left, panel.bottom))
    assert np.allclose(np.ptp(outline, axis=0), (panel.width, panel.height))


def test_the_outline_is_filled_and_its_edge_is_soft(panel: MapPanel) -> None:
    opacity = panel.frame.opacity((300, 150))
    assert opacity[75, 150] == 255
    assert opacity[0, 0] == 0
    assert 0.7 < opacity.mean() / 255 < 0.9
    assert ((opacity > 0) & (opacity < 255)).any()
