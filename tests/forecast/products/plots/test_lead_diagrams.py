"""Figures along lead times and other dimensions show the numbers that they are given."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from data_catalog.errors import InvalidDataError
from forecast.products.plots.lead_diagrams import plot_differences, plot_scores, plot_spectra
from forecast.products.plots.palettes import PAPER

LEADS = np.array([12, 24, 48], "m8[h]").astype("m8[ns]")


def along(dim: str, labels: object, values: list[float], units: str = "K") -> xr.DataArray:
    return xr.DataArray(values, dims=dim, coords={dim: labels}, attrs={"units": units})


def test_scores_by_lead_time_are_in_days(tmp_path: Path, drawn: list[Figure]) -> None:
    score = along("lead_time", LEADS, [1.0, 2.0, 3.0])
    plot_scores({"mine": score, "yours": score - 5}, tmp_path / "s.png", quantity="fair CRPS")
    axes = drawn[0].axes[0]
    np.testing.assert_allclose(axes.lines[0].get_xydata(), [[0.5, 1], [1, 2], [2, 3]])
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("lead time, days", "fair CRPS, K")
    assert axes.get_ylim()[0] < -4


def test_scores_by_season_and_by_window(tmp_path: Path, drawn: list[Figure]) -> None:
    plot_scores({"mine": along("season", ["DJF", "JJA"], [1.0, 2.0])}, tmp_path / "s.png")
    plot_scores({"mine": along("window", [1, 3, 9], [0.2, 0.4, 0.6], "1")}, tmp_path / "s.png", quantity="FSS")
    seasons, windows = (figure.axes[0] for figure in drawn)
    assert [text.get_text() for text in seasons.get_xticklabels()] == ["DJF", "JJA"]
    np.testing.assert_allclose(windows.get_xticks(), [1, 3, 9])
    assert (windows.get_xlabel(), windows.get_ylabel()) == ("window", "FSS")


def test_differences_are_filled_where_they_are_significant(tmp_path: Path, drawn: list[Figure]) -> None:
    parts = {"mean": [-1.0, 0.0, 0.5], "low": [-2.0, -1.0, 0.1], "high": [0.1, 1.0, 0.9], "p_value": [0.2, 0.9, 0.01]}
    test = xr.Dataset({name: along("lead_time", LEADS, values) for name, values in parts.items()})
    plot_differences({"mine": test}, tmp_path / "d.png", quantity="CRPS, hPa")
    axes = drawn[0].axes[0]
    bars, filled, hollow = axes.collections
    np.testing.assert_allclose([bar[:, 1] for bar in bars.get_segments()], [[-2, 0.1], [-1, 1], [0.1, 0.9]])
    np.testing.assert_allclose(filled.get_offsets(), [[2, 0.5]])
    np.testing.assert_allclose(hollow.get_offsets(), [[0.5, -1], [1, 0]])
    assert to_hex(hollow.get_facecolors()[0]) == PAPER
    assert axes.get_ylabel() == "CRPS, hPa"
    plot_differences({"mine": test, "yours": test}, tmp_path / "d.png")
    assert drawn[1].axes[0].collections[1].get_offsets()[0, 0] < 2 < drawn[1].axes[0].collections[4].get_offsets()[0, 0]


def test_spectra_leave_out_the_mean(tmp_path: Path, drawn: list[Figure]) -> None:
    plot_spectra({"mine": along("wavenumber", [0, 1, 2], [9.0, 4.0, 1.0], "K2")}, tmp_path / "s.png")
    axes = drawn[0].axes[0]
    np.testing.assert_allclose(axes.lines[0].get_xydata(), [[1, 4], [2, 1]])
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")


def test_curves_along_different_dimensions_are_refused(tmp_path: Path) -> None:
    mixed = {"mine": along("lead_time", LEADS, [1.0, 2.0, 3.0]), "yours": along("window", [1], [1.0])}
    with pytest.raises(InvalidDataError, match=r"^scores: expected all along one dimension, found"):
        plot_scores(mixed, tmp_path / "s.png")
    with pytest.raises(InvalidDataError, match=r"^mine: expected variables"):
        plot_differences({"mine": mixed["mine"].to_dataset(name="mean")}, tmp_path / "s.png")
