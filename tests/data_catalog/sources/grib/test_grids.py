"""Coordinates are those that ecCodes computes, and values stand at their places whatever the scanning order."""

from itertools import product
from typing import Any

import eccodes
import numpy as np
import pytest

from data_catalog.errors import InvalidDataError
from data_catalog.sources.grib.grids import GribGrid
from data_catalog.sources.grib.library import open_message
from tests.data_catalog.sources.grib.writing import LATITUDE, LONGITUDE, SMALL, message, weather


def _grid(content: bytes) -> GribGrid:
    with open_message(content, "a.grib") as opened:
        return GribGrid.of(opened)


def _scanned(edition: int, flags: tuple[bool, ...], **keys: Any) -> bytes:
    """A field whose message stores its points in some order."""
    westward, northward, by_columns, alternating = flags
    rows = LATITUDE[::-1] if northward else LATITUDE
    columns = LONGITUDE[::-1] if westward else LONGITUDE
    values = weather("2t", rows[:, None], columns)
    lines = values.T.copy() if by_columns else values.copy()
    lines[1::2] = lines[1::2, ::-1] if alternating else lines[1::2]
    grid = {
        **SMALL,
        "iScansNegatively": int(westward), "jScansPositively": int(northward), "jPointsAreConsecutive": int(by_columns),
        "latitudeOfFirstGridPointInDegrees": rows[0], "latitudeOfLastGridPointInDegrees": rows[-1],
        "longitudeOfFirstGridPointInDegrees": columns[0] % 360, "longitudeOfLastGridPointInDegrees": columns[-1] % 360,
    }  # fmt: skip
    if alternating:
        grid["alternativeRowScanning"] = 1
    return message("2t", edition=edition, values=lines, grid=grid, **keys)


ORDERS = [(1, (*three, False)) for three in product([False, True], repeat=3)]
ORDERS += [(2, four) for four in product([False, True], repeat=4)]


@pytest.mark.parametrize(("edition", "flags"), ORDERS)
def test_values_stand_at_their_places_in_any_scanning_order(edition: int, flags: tuple[bool, ...]) -> None:
    content = _scanned(edition, flags)
    grid = _grid(content)
    latitude, longitude = grid.coordinates("a.grib")
    with open_message(content, "a.grib") as opened:
        values = grid.in_rows(np.asarray(opened.values(1e30)), "a.grib")
    assert sorted(latitude) == sorted(LATITUDE)
    assert sorted(np.mod(longitude + 180, 360) - 180) == sorted(LONGITUDE)
    np.testing.assert_allclose(values, weather("2t", latitude[:, None], longitude), atol=1e-3)


@pytest.mark.parametrize("edition", [1, 2])
@pytest.mark.parametrize(("first", "rows"), [(0, 64), (10, 31)])
def test_gaussian_latitudes_are_exact(edition: int, first: int, rows: int) -> None:
    every = np.array(list(eccodes.codes_get_gaussian_latitudes(32)))
    wanted = every[first : first + rows]
    grid = {
        "N": 32, "Ni": 8, "Nj": rows, "iDirectionIncrementInDegrees": 45,
        "longitudeOfFirstGridPointInDegrees": 0, "longitudeOfLastGridPointInDegrees": 315,
        "latitudeOfFirstGridPointInDegrees": float(np.round(wanted[0], 3)),
        "latitudeOfLastGridPointInDegrees": float(np.round(wanted[-1], 3)),
    }  # fmt: skip
    content = message("2t", edition=edition, sample="regular_gg_sfc", grid=grid, values=np.full(8 * rows, 280.0))
    latitude, longitude = _grid(content).coordinates("a.grib")
    assert np.array_equal(latitude, wanted)
    assert longitude.tolist() == [0, 45, 90, 135, 180, 225, 270, 315]


def test_rows_that_are_not_gaussian_are_refused() -> None:
    grid = {**SMALL, "N": 32}
    content = message("2t", sample="regular_gg_sfc", grid={k: v for k, v in grid.items() if k[0] != "j"})
    with pytest.raises(
        InvalidDataError, match="expected rows of the Gaussian grid of 64 rows, found 4 rows from 60 to"
    ):
        _grid(content).coordinates("a.grib")


REFUSED = {
    "reduced_gg": "cdo -R copy",
    "rotated_ll": "cdo remapcon",
    "sh": "cdo sp2gpl",
    "lambert": "cdo remapcon",
    "polar_stereographic": "cdo remapcon",
}


@pytest.mark.parametrize("kind", REFUSED)
def test_grids_without_rows_and_columns_are_refused_with_the_way_out(kind: str) -> None:
    content = _sample(kind)
    with pytest.raises(InvalidDataError, match=rf"a\.grib: expected a regular .* found {kind}; .*{REFUSED[kind]}"):
        _grid(content).coordinates("a.grib")


def _sample(kind: str) -> bytes:
    name = f"{kind}_pl_grib2" if kind in ("reduced_gg", "rotated_ll", "sh") else "GRIB2"
    handle = eccodes.codes_grib_new_from_samples(name)
    try:
        if name == "GRIB2":
            eccodes.codes_set(handle, "gridType", kind)
        return bytes(eccodes.codes_get_message(handle))
    finally:
        eccodes.codes_release(handle)


def test_a_grid_that_contradicts_itself_is_refused() -> None:
    with pytest.raises(InvalidDataError, match="expected rows that run north, found 60 to 30"):
        _grid(message("2t", jScansPositively=1)).coordinates("a.grib")
    with pytest.raises(InvalidDataError, match="expected 4 x 6 values, found 23 of them"):
        _grid(message("2t")).in_rows(np.zeros(23), "a.grib")
