"""Figures of forecasts of an event show the numbers that they are given."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure
from PIL import Image

from data_catalog.errors import InvalidDataError
from forecast.products.plots.figures import Heading
from forecast.products.plots.probability_diagrams import (
    plot_economic_value,
    plot_performance,
    plot_reliability,
    plot_roc,
)

CLASSES = np.array([0.05, 0.5, 0.95])


def reliability() -> xr.Dataset:
    along = {"bin": CLASSES}
    parts = {
        "forecast_probability": [0.04, 0.52, np.nan],
        "observed_frequency": [0.1, 0.4, np.nan],
        "share": [0.7, 0.3, 0.0],
        "consistency_low": [0.0, 0.45, np.nan],
        "consistency_high": [0.1, 0.55, np.nan],
    }
    return xr.Dataset({name: ("bin", values) for name, values in parts.items()}, along)


def lines(figure: Figure, panel: int = 0) -> list[np.ndarray]:
    """Points of the curves with markers."""
    return [line.get_xydata() for line in figure.axes[panel].lines if line.get_marker() == "o"]


def test_reliability_has_a_point_for_each_class_that_was_forecast(tmp_path: Path, drawn: list[Figure]) -> None:
    issued = reliability().drop_vars("forecast_probability").rename(bin="probability")
    path = plot_reliability(
        {"mine": reliability(), "yours": issued}, tmp_path / "r.png", title="Frost", heading=Heading("", True)
    )
    mine, yours = lines(drawn[0])
    np.testing.assert_allclose(mine, [[0.04, 0.1], [0.52, 0.4]])
    np.testing.assert_allclose(yours, [[0.05, 0.1], [0.5, 0.4]])
    words = [text.get_text() for text in drawn[0].texts]
    assert {"Frost", "SIMULATED WEATHER"} <= set(words)
    assert [text.get_text() for text in drawn[0].legends[0].get_texts()] == ["mine", "yours"]
    with Image.open(path) as picture:
        assert picture.width == round(drawn[0].bbox.width)


def test_roc_names_the_area(tmp_path: Path, drawn: list[Figure]) -> None:
    curve = xr.Dataset(
        {"hit_rate": ("k", [1.0, 0.8, 0.0]), "false_alarm_rate": ("k", [1.0, 0.2, 0.0]), "area": 0.8}, {"k": [0, 1, 2]}
    )
    plot_roc({"mine": curve}, tmp_path / "roc.png")
    np.testing.assert_allclose(lines(drawn[0])[0], [[1, 1], [0.2, 0.8], [0, 0]])
    assert drawn[0].legends[0].get_texts()[0].get_text() == "mine: area 0.800"
    with pytest.raises(InvalidDataError, match="mine: expected one dimension"):
        plot_roc({"mine": curve.expand_dims(region=2)}, tmp_path / "roc.png")


def test_performance_of_one_table_and_of_several(tmp_path: Path, drawn: list[Figure]) -> None:
    several = xr.Dataset(
        {"pod": ("threshold", [0.9, 0.5, np.nan]), "far": ("threshold", [0.2, 0.6, 0.1])},
        {"threshold": [1.0, 5.0, 10.0]},
    )
    one = xr.Dataset({"pod": 0.7, "far": 0.4})
    plot_performance({"several": several, "one": one}, tmp_path / "p.png")
    curves = lines(drawn[0])
    np.testing.assert_allclose(curves[0][:2], [[0.8, 0.9], [0.4, 0.5]])
    np.testing.assert_allclose(curves[1], [[0.6, 0.7]])
    words = [text.get_text() for text in drawn[0].axes[0].texts]
    assert {"1", "5", "0.5", "1.25"} <= set(words)
    assert "10" not in words
    with pytest.raises(InvalidDataError, match=r"one: expected variables \['pod', 'far'\]"):
        plot_performance({"one": one.drop_vars("pod")}, tmp_path / "p.png")


def test_economic_value_by_ratio(tmp_path: Path, drawn: list[Figure]) -> None:
    value = xr.Dataset({"value": ("cost_loss_ratio", [0.1, 0.4])}, {"cost_loss_ratio": [0.2, 0.5]})
    plot_economic_value({"mine": value}, tmp_path / "v.png")
    np.testing.assert_allclose(lines(drawn[0])[0], [[0.2, 0.1], [0.5, 0.4]])
