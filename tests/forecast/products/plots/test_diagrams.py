"""Common parts of diagrams: rows of legends, labels, units, and what cannot be drawn."""

import numpy as np
import pytest
import xarray as xr

from data_catalog.errors import InvalidDataError
from forecast.products.plots.diagrams import (
    Diagram,
    curve,
    first_of,
    label_words,
    legend_rows,
    name_curves,
    new_frame,
    unit_words,
)
from forecast.products.plots.figures import Heading
from forecast.products.plots.palettes import colours_of


def test_legends_take_as_many_rows_as_they_need() -> None:
    assert legend_rows(["a", "b"], 6.0) == [["a", "b"]]
    names = [f"a rather long name {index}" for index in range(7)]
    rows = legend_rows(names, 6.0)
    assert len(rows) > 1
    assert [name for row in rows for name in row] == names
    assert legend_rows(["x" * 300], 6.0) == [["x" * 300]]


def test_nothing_of_a_figure_lies_on_anything_else() -> None:
    names = [f"forecast number {index}" for index in range(9)]
    note = "A note that is long enough to need several lines of a figure that is not very wide at all. " * 2
    sizes = ((3.0, 3.0), (3.0, 3.0))
    frame = new_frame(Diagram("Title", Heading("origin", True), sizes, (("x", "y"),) * 2, note), names)
    name_curves(frame, colours_of(names))
    frame.figure.canvas.draw()
    boxes = [text.get_window_extent() for text in frame.figure.texts]
    boxes += [legend.get_window_extent() for legend in frame.figure.legends]
    boxes += [axes.get_tightbbox() for axes in frame.axes]
    for index, box in enumerate(boxes):
        assert box.x0 >= -1
        assert box.x1 <= frame.figure.bbox.x1 + 1
        assert not any(box.overlaps(other) for other in boxes[:index])


def test_labels_and_units() -> None:
    leads = xr.DataArray(np.array([24, 36], "m8[h]").astype("m8[ns]"), dims="lead_time")
    assert label_words(leads) == ["Day 1", "+36 h"]
    assert label_words(xr.DataArray([0.5, 10.0], dims="threshold")) == ["0.5", "10"]
    assert label_words(xr.DataArray(["DJF"], dims="season")) == ["DJF"]
    assert label_words(xr.DataArray(np.array(["2008-01-15"], "M8[ns]"), dims="time")) == ["Tue 15 Jan 2008 00 UTC"]
    assert unit_words("CRPS", xr.DataArray(1.0, attrs={"units": "K"})) == "CRPS, K"
    assert unit_words("CRPS", xr.DataArray(1.0)) == "CRPS"
    assert unit_words("share", xr.DataArray(1.0, attrs={"units": "1"})) == "share"


def test_what_is_no_curve_is_refused_in_one_line() -> None:
    field = xr.DataArray(np.zeros((2, 2)), dims=("x", "y"))
    with pytest.raises(
        InvalidDataError, match=r"^mine: expected one dimension to draw a curve along, found \['x', 'y'\]"
    ):
        curve("mine", field)
    with pytest.raises(InvalidDataError, match=r"^mine: expected variables \['pod'\], found \['far'\]$"):
        curve("mine", field[0].to_dataset(name="far"), "pod")
    assert curve("mine", field[0]) == "y"
    for wrong in ({}, field, field.to_dataset(name="far")):
        with pytest.raises(InvalidDataError, match=r"^roc: expected a mapping of names to scores, found \w+$"):
            first_of(wrong, "roc")  # type: ignore[arg-type]


def test_each_name_has_a_colour_of_its_own() -> None:
    colours = colours_of(["plumecast", "mine", "persistence", "yours", "theirs"])
    assert len(set(colours.values())) == 5
    assert colours["plumecast"] == colours_of(["plumecast"])["plumecast"]
    assert len(colours_of(map(str, range(30)))) == 30
