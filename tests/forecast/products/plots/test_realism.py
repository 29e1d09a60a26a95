"""The figure of gates."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data_catalog.errors import InvalidDataError
from forecast.products.plots.figures import Heading
from forecast.products.plots.realism import GateTable, plot_gates

HEADING = Heading("36 starts", True)


def table(off: float) -> GateTable:
    values = np.array([[[1.0, 1.1], [0.9, np.nan]]])
    distances = np.array([[[0.0, off], [-0.5, np.inf]]])
    return GateTable("spectrum: failed", "power", ["z500"], ["1-3", "4-7"], ["1 d", "10 d"], values, distances)


def test_a_figure_of_a_table_and_of_two(tmp_path: Path) -> None:
    one = plot_gates([table(0.9)], tmp_path / "one.png", title="Gates", heading=HEADING)
    two = plot_gates([table(0.9), table(0.9)], tmp_path / "two.png", title="Gates", heading=HEADING)
    with Image.open(one) as first, Image.open(two) as second:
        assert first.width == second.width
        assert first.height < second.height < 2 * first.height


def test_a_figure_beyond_its_limit_is_framed(tmp_path: Path) -> None:
    pictures = []
    for off in (0.999, 1.001):
        path = plot_gates([table(off)], tmp_path / "gates.png", title="Gates", heading=HEADING)
        with Image.open(path) as image:
            pictures.append(np.asarray(image.convert("L"), dtype=np.int64))
    assert int((pictures[1] < 60).sum()) > int((pictures[0] < 60).sum()) + 100


def test_no_table(tmp_path: Path) -> None:
    with pytest.raises(InvalidDataError, match="expected at least one with figures"):
        plot_gates([], tmp_path / "gates.png", title="Gates", heading=HEADING)
