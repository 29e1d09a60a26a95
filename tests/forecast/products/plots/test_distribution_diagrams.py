"""Figures of values and their distribution show the numbers that they are given, with their unit."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure

from data_catalog.errors import InvalidDataError
from forecast.products.plots.distribution_diagrams import (
    plot_coverage,
    plot_murphy,
    plot_quantiles,
    plot_spread_and_error,
)

KELVIN = {"units": "K"}


def dataset(along: str, labels: list[float], **values: list[float]) -> xr.Dataset:
    return xr.Dataset({name: (along, each, KELVIN) for name, each in values.items()}, {along: labels})


def test_quantiles_lie_on_equal_axes(tmp_path: Path, drawn: list[Figure]) -> None:
    mine = dataset("quantile", [0.1, 0.9], forecast=[270.0, 290.0], analysis=[272.0, 280.0])
    plot_quantiles({"mine": mine}, tmp_path / "q.png")
    axes = drawn[0].axes[0]
    np.testing.assert_allclose(axes.lines[0].get_xydata(), [[272, 270], [280, 290]])
    assert axes.get_xlim() == axes.get_ylim()
    assert axes.get_xlabel() == "quantiles of the analyses, K"
    assert axes.get_ylabel() == "quantiles of the forecasts, K"


def test_coverage_and_width_by_level(tmp_path: Path, drawn: list[Figure]) -> None:
    mine = dataset("level", [0.5, 0.9], coverage=[0.4, 0.8], width=[1.0, 3.0])
    plot_coverage({"mine": mine, "yours": mine}, tmp_path / "c.png")
    left, right = drawn[0].axes
    np.testing.assert_allclose(left.lines[-1].get_xydata(), [[0.5, 0.4], [0.9, 0.8]])
    np.testing.assert_allclose(right.lines[-1].get_xydata(), [[0.5, 1.0], [0.9, 3.0]])
    assert right.get_ylabel() == "mean width, K"
    with pytest.raises(InvalidDataError, match="mine: expected levels between 0 and 1 along 'level', found"):
        plot_coverage({"mine": mine.assign_coords(level=[5.0, 6.0])}, tmp_path / "c.png")


def test_murphy_diagrams_start_at_zero(tmp_path: Path, drawn: list[Figure]) -> None:
    mine = dataset("threshold", [270.0, 280.0], score=[0.1, 0.3])
    plot_murphy({"mine": mine}, tmp_path / "m.png", quantity="2 m temperature, K")
    axes = drawn[0].axes[0]
    assert axes.get_ylim()[0] == 0
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("2 m temperature, K", "mean elementary score, K")
    np.testing.assert_allclose(axes.lines[0].get_xydata(), [[270, 0.1], [280, 0.3]])


def test_spread_and_error_with_points_by_weight(tmp_path: Path, drawn: list[Figure]) -> None:
    mine = dataset("bin", [0, 1, 2], spread=[1.0, 2.0, np.nan], rmse=[1.5, 2.0, np.nan], weight=[10.0, 40.0, 0.0])
    plot_spread_and_error({"mine": mine}, tmp_path / "s.png")
    sizes = drawn[0].axes[0].collections[0].get_sizes()
    assert sizes[1] > sizes[0]
    assert drawn[0].axes[0].get_xlim()[0] == 0
