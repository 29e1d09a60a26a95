"""Contours: where their labels are."""

from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.figure import Figure

from forecast.products.plots.contours import TO_EDGE, TO_OTHERS, draw_contours, repeat_contours
from forecast.products.plots.figures import DPI
from forecast.products.plots.geography import map_frame
from forecast.products.plots.map_panels import MapPanel, canvas, draw_frame, map_panel
from forecast.products.plots.styles import style_of


@pytest.fixture
def panel(synthetic: SimpleNamespace) -> MapPanel:
    return map_panel(canvas(Figure(figsize=(9.0, 3.0), dpi=DPI)), map_frame(*synthetic.GLOBAL), 0.2, 0.2, 4.0)


def test_labels_lie_on_their_lines_and_apart(panel: MapPanel, synthetic: SimpleNamespace) -> None:
    latitude, longitude = (np.deg2rad(axis) for axis in synthetic.GLOBAL)
    field = 1000 + 20 * np.sin(latitude)[:, None] * (1 + 0.3 * np.cos(3 * longitude))
    outline = draw_frame(panel.axes, panel.frame, panel.to_pixels + panel.axes.transData)
    lines = draw_contours(panel, outline, field, style_of("msl"), np.arange(980.0, 1021.0, 4.0))
    labels = panel.axes.texts
    assert len(labels) > 5
    places = np.array([label.get_position() for label in labels])
    for label, place in zip(labels, places, strict=True):
        of_level = lines.allsegs[lines.levels.tolist().index(float(label.get_text()))]
        assert min(np.hypot(*(line - place).T).min() for line in of_level) < 5
        assert -90 <= label.get_rotation() <= 360
    apart = np.hypot(*(places[:, None] - places).T) + 1e6 * np.eye(len(places))
    assert apart.min() >= TO_OTHERS * panel.width
    edge = panel.to_pixels.transform(panel.frame.outline)
    assert np.hypot(*(places[:, None] - edge).T).min() >= TO_EDGE * panel.width


def test_repeated_contours_are_the_same_beside(panel: MapPanel, synthetic: SimpleNamespace) -> None:
    field = np.repeat(np.sin(np.deg2rad(synthetic.GLOBAL[0]))[:, None], synthetic.GLOBAL[1].size, axis=1)
    other = map_panel(panel.axes, panel.frame, 4.6, 0.2, 4.0)
    outline = draw_frame(panel.axes, panel.frame, panel.to_pixels + panel.axes.transData)
    lines = draw_contours(panel, outline, field, style_of("v850"), np.linspace(-0.8, 0.8, 5))
    labels = len(panel.axes.texts)
    repeat_contours(lines, other, outline, other.left - panel.left)
    again = panel.axes.collections[-1]
    moved = again.get_transform().transform(again.get_paths()[0].vertices)
    original = panel.axes.transData.transform(lines.get_paths()[0].vertices)
    assert np.allclose(moved - original, (other.left - panel.left, 0.0))
    assert len(panel.axes.texts) == labels
