"""Values are those of ecCodes, missing ones are NaN, and a message that is another field than before is refused."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from xarray.core import indexing

from data_catalog.errors import InvalidDataError
from data_catalog.sources.grib.decoding import FieldArray
from data_catalog.sources.grib.opening import open_grib
from tests.data_catalog.sources.grib.writing import LATITUDE, LONGITUDE, message, weather, write

VALUES = weather("2t", LATITUDE[:, None], LONGITUDE)


def _opened(path: Path) -> xr.DataArray:
    return open_grib(path)[0]["2t"]


@pytest.mark.parametrize("edition", [1, 2])
def test_missing_values_are_nan_and_9999_is_a_value(edition: int, tmp_path: Path) -> None:
    """ecCodes' own mark for missing values is 9999, which geopotentials also have."""
    values = VALUES.copy()
    values[1, 2] = -1.0
    values[0, 0] = 9999.0
    content = message("2t", edition=edition, values=values, missingValue=-1.0, bitmapPresent=1)
    found = _opened(write(tmp_path / "a.grib", content)).values
    assert np.isnan(found[1, 2])
    assert np.count_nonzero(np.isnan(found)) == 1
    assert found[0, 0] == pytest.approx(9999.0)


PACKINGS = ["grid_simple", "grid_ccsds", "grid_jpeg", "grid_complex", "grid_complex_spatial_differencing"]


@pytest.mark.parametrize("packing", PACKINGS)
def test_every_packing_is_read(packing: str, tmp_path: Path) -> None:
    path = write(tmp_path / "a.grib", message("2t", values=VALUES, packingType=packing))
    np.testing.assert_allclose(_opened(path).values, VALUES, atol=2e-3)


def test_a_constant_field_is_read(tmp_path: Path) -> None:
    path = write(tmp_path / "a.grib", message("2t", values=np.full((4, 6), 280.0)))
    assert (_opened(path).values == 280).all()


def test_only_the_fields_asked_for_are_read(tmp_path: Path) -> None:
    messages = [message("2t", dataDate=20200101 + day, shift=day) for day in range(4)]
    path = write(tmp_path / "a.grib", *messages)
    opened = _opened(path)
    path.write_bytes(b"".join([messages[0], bytes(len(messages[1])), *messages[2:]]))
    np.testing.assert_allclose(opened[2:, 1:, ::2].values, [VALUES[1:, ::2] + 2, VALUES[1:, ::2] + 3], atol=1e-3)
    with pytest.raises(
        InvalidDataError, match=rf"a\.grib: message at byte {len(messages[0])}: expected a GRIB message"
    ):
        opened[1].load()


def test_a_file_that_was_changed_is_noticed(tmp_path: Path) -> None:
    path = write(tmp_path / "a.grib", message("2t"))
    opened = _opened(path)
    write(path, message("2d"))
    with pytest.raises(InvalidDataError, match=r"expected 2t \(an\) from 2020-01-01T00:00Z .*, found 2d \(an\)"):
        opened.load()


def test_any_choice_of_points_is_that_of_an_array(tmp_path: Path) -> None:
    path = write(tmp_path / "a.grib", *(message("2t", dataDate=20200101 + day, shift=day) for day in range(3)))
    array: FieldArray = _opened(path).variable._data.array
    whole = array[indexing.BasicIndexer((slice(None),) * 3)]
    for key in [
        (1, 2, 3),
        (slice(None), 1, slice(0, 2)),
        (slice(2, None), slice(None, None, 2), 5),
        (0, slice(1, 3), 0),
    ]:
        assert np.array_equal(array[indexing.BasicIndexer(key)], whole[key])
    outer = array[indexing.OuterIndexer((np.array([2, 0]), slice(None), np.array([1, 3])))]
    assert np.array_equal(outer, whole[[2, 0]][:, :, [1, 3]])
