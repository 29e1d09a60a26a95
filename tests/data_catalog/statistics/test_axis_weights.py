"""Weights between grids of rows and columns: constants, linear fields, area means, poles, turns of the circle."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import RegularGridInterpolator

from data_catalog.errors import InvalidDataError
from data_catalog.layout.cells import Cells
from data_catalog.statistics.axis_weights import Method, rectilinear_weights

METHODS: tuple[Method, ...] = ("conservative", "bilinear", "nearest")


def regular(rows: int, columns: int, *, poles: bool = False, west: float = 0.0) -> Cells:
    """A grid of the globe."""
    half = 0.0 if poles else 90.0 / rows
    return Cells(np.linspace(-90 + half, 90 - half, rows), west + np.arange(columns) * (360.0 / columns))


def gaussian(rows: int) -> Cells:
    sines = np.polynomial.legendre.leggauss(rows)[0]
    return Cells(np.rad2deg(np.arcsin(sines)), np.arange(2 * rows) * (180.0 / rows))


@st.composite
def globes(draw: st.DrawFn) -> Cells:
    rows = draw(st.integers(4, 24))
    if draw(st.booleans()):
        return gaussian(rows)
    return regular(rows, draw(st.integers(4, 48)), poles=draw(st.booleans()), west=draw(st.floats(-180, 180)))


def mesh(cells: Cells) -> tuple[np.ndarray, np.ndarray]:
    rows, columns = np.meshgrid(cells.latitude, cells.longitude, indexing="ij")
    return rows.ravel(), columns.ravel()


def area_mean(cells: Cells, values: np.ndarray) -> float:
    widths = np.diff(cells.longitude_bounds, axis=1).ravel()
    field = values.reshape(len(cells.latitude), -1)
    return float(cells.areas @ field @ widths / (cells.areas.sum() * widths.sum()))


@given(source=globes(), target=globes(), method=st.sampled_from(METHODS))
@settings(max_examples=60, deadline=None)
def test_constants_stay_constants(source: Cells, target: Cells, method: Method) -> None:
    weights = rectilinear_weights(source, target, method)
    np.testing.assert_allclose(weights.sum(axis=1), 1.0, atol=1e-12)
    assert weights.data.min() >= 0


@given(source=globes(), target=globes(), seed=st.integers(0, 1000))
@settings(max_examples=60, deadline=None)
def test_conservative_weights_keep_the_area_mean(source: Cells, target: Cells, seed: int) -> None:
    values = np.random.default_rng(seed).standard_normal(len(source.latitude) * len(source.longitude))
    found = rectilinear_weights(source, target, "conservative") @ values
    assert area_mean(target, found) == pytest.approx(area_mean(source, values), abs=1e-12)


@given(south=st.floats(-80, 40), west=st.floats(-400, 400), slopes=st.tuples(st.floats(-9, 9), st.floats(-9, 9)))
@settings(max_examples=60, deadline=None)
def test_bilinear_weights_keep_linear_fields(south: float, west: float, slopes: tuple[float, float]) -> None:
    source = Cells(south + np.array([0.0, 1.0, 3.0, 8.0, 20.0]), west + np.array([0.0, 2.0, 5.0, 30.0]))
    target = Cells(np.linspace(south, south + 20, 9), np.linspace(west, west + 30, 7))
    rows, columns = mesh(source)
    wanted_rows, wanted_columns = mesh(target)
    found = rectilinear_weights(source, target, "bilinear") @ (slopes[0] * rows + slopes[1] * (columns - west))
    np.testing.assert_allclose(found, slopes[0] * wanted_rows + slopes[1] * (wanted_columns - west), atol=1e-7)


def test_bilinear_weights_agree_with_scipy() -> None:
    source, target = (
        Cells(np.linspace(20, 60, 17), np.linspace(-30, 30, 25)),
        Cells(np.linspace(21, 59, 30), np.linspace(-29, 28, 41)),
    )
    values = np.random.default_rng(0).standard_normal((17, 25))
    peer = RegularGridInterpolator((source.latitude, source.longitude), values)(np.stack(mesh(target), axis=1))
    np.testing.assert_allclose(rectilinear_weights(source, target, "bilinear") @ values.ravel(), peer, atol=1e-12)


@given(method=st.sampled_from(METHODS), turns=st.integers(-2, 2), shift=st.floats(0, 360))
@settings(max_examples=60, deadline=None)
def test_longitudes_may_be_of_any_turn(method: Method, turns: int, shift: float) -> None:
    source = regular(6, 24)
    wanted = np.arange(-20.0, 40.0, 7.0) + shift
    here, there = (Cells(np.linspace(-40, 40, 5), wanted + 360 * turn) for turn in (0, turns))
    difference = rectilinear_weights(source, here, method) - rectilinear_weights(source, there, method)
    assert abs(difference).max() < 1e-9


def test_a_region_across_the_start_of_the_circle() -> None:
    source, target = regular(18, 36), Cells(np.array([0.0, 10.0]), np.array([-15.0, -5.0, 5.0, 15.0]))
    along = np.broadcast_to(np.cos(np.deg2rad(source.longitude)), (18, 36)).ravel()
    found = (rectilinear_weights(source, target, "bilinear") @ along).reshape(2, 4)
    np.testing.assert_allclose(found, found[:, ::-1], atol=1e-12)
    assert found[0, 1] == pytest.approx((1 + np.cos(np.deg2rad(10))) / 2)


def test_nearest_takes_the_southern_and_western_of_two_equally_near() -> None:
    source, target = Cells(np.arange(5.0), np.arange(5.0)), Cells(np.array([0.5, 2.6]), np.array([1.5, 3.4]))
    rows, columns = (rectilinear_weights(source, target, "nearest") @ axis for axis in mesh(source))
    assert rows.reshape(2, 2)[:, 0].tolist() == [0, 3]
    assert columns.reshape(2, 2)[0].tolist() == [1, 3]


def test_the_pole_beyond_the_last_row_is_its_mean() -> None:
    source, target = regular(18, 36), regular(37, 72, poles=True)
    rows, columns = mesh(source)
    values = np.cos(np.deg2rad(columns)) + 3.0 * (rows > 84)
    found = (rectilinear_weights(source, target, "bilinear") @ values).reshape(37, 72)
    np.testing.assert_allclose(found[-1], 3.0, atol=1e-12)
    np.testing.assert_allclose(found[0], 0.0, atol=1e-12)


def test_one_wind_at_the_pole_stays_one_wind() -> None:
    """A vector at the pole looks like the first zonal wavenumber of each of its components."""
    source, target = regular(18, 36), regular(19, 24, poles=True)
    eastward = -4.0 * np.sin(np.deg2rad(source.longitude)) + 2.0 * np.cos(np.deg2rad(source.longitude))
    values = np.broadcast_to(eastward, (18, 36)).ravel()
    weights = rectilinear_weights(source, target, "bilinear", polar_sign=-1)
    expected = -4.0 * np.sin(np.deg2rad(target.longitude)) + 2.0 * np.cos(np.deg2rad(target.longitude))
    np.testing.assert_allclose((weights @ values).reshape(19, 24)[-1], expected, atol=1e-12)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("target", "message"),
    [
        (Cells(np.array([30.0, 50.0, 70.0]), np.array([0.0, 10.0])), "latitude 70 beyond"),
        (Cells(np.array([30.0, 50.0]), np.array([0.0, 20.0, 40.0])), "longitude 40 beyond"),
        (Cells(np.array([30.0, 50.0]), np.array([-20.0, 0.0])), r"longitude (340|-20) beyond"),
    ],
)
def test_nothing_is_extrapolated(method: Method, target: Cells, message: str) -> None:
    source = Cells(np.linspace(10, 60, 26), np.linspace(-10, 30, 21))
    with pytest.raises(InvalidDataError, match=f"mine: expected a source that covers the grid, found .*{message}"):
        rectilinear_weights(source, target, method, what="mine")


def test_conservative_refuses_cells_that_are_covered_in_part() -> None:
    source = Cells(np.linspace(30, 55, 101), np.linspace(-15, 15, 121))
    wide = Cells(np.linspace(30, 55, 11), np.linspace(-12.5, 12.5, 11))
    with pytest.raises(InvalidDataError, match=r"found the cell at latitude 30 beyond 29\.875 to 55\.125"):
        rectilinear_weights(source, wide, "conservative")
    inner = Cells(wide.latitude[1:-1], wide.longitude)
    assert rectilinear_weights(source, inner, "conservative").shape == (99, 101 * 121)


def test_coordinates_in_single_precision_count_as_the_same() -> None:
    exact, rounded = regular(60, 120), regular(60, 120)
    rounded = Cells(
        rounded.latitude.astype(np.float32).astype(float), rounded.longitude.astype(np.float32).astype(float)
    )
    for method in METHODS:
        weights = rectilinear_weights(exact, rounded, method)
        assert abs(weights - rectilinear_weights(exact, exact, method)).max() < 1e-4
