from datetime import date

import netCDF4
import numpy as np
import pytest

from data_catalog.bundled import DIRECTORY, NATURAL_EARTH, SPEEDY_SAMPLE
from data_catalog.bundled.make_sample import make_sample
from data_catalog.catalog import DatasetEntry, dataset, dataset_names
from data_catalog.errors import ConfigurationError, InvalidDataError, MissingDataError
from data_catalog.sources.open_source import open_source


def test_the_sample_is_whole_and_says_that_it_is_simulated() -> None:
    entry = dataset("speedy-5p6")
    sample = open_source(entry)
    assert tuple(sample.data_vars) == (*entry.channels, *entry.static)
    assert sample.sizes == {"time": 366, "latitude": 32, "longitude": 64}
    assert entry.simulated
    assert "SIMULATED" in sample.attrs["title"]
    assert sample.attrs["license"]
    days = sample["time"].values
    np.testing.assert_array_equal(days, np.arange("2008-01-01", "2009-01-01", dtype="datetime64[D]"))
    fields = sample[["z500", "orography"]].isel(time=[0, 365]).compute()  # checked as it is read
    assert 50e3 < float(fields["z500"].mean()) < 58e3


def test_the_package_stays_small() -> None:
    assert SPEEDY_SAMPLE.stat().st_size < 12e6
    assert sum(file.stat().st_size for file in DIRECTORY.rglob("*") if file.is_file()) < 14e6


def test_coastlines_lie_where_cartopy_looks() -> None:
    physical = NATURAL_EARTH / "shapefiles" / "natural_earth" / "physical"
    for name in ("coastline", "land", "ocean", "lakes"):
        for suffix in ("shp", "shx", "dbf"):
            assert (physical / f"ne_110m_{name}.{suffix}").is_file()


def test_days_are_chosen_with_both_ends() -> None:
    chosen = open_source(dataset("speedy-5p6"), start=date(2008, 2, 28), end=date(2008, 3, 1))
    assert chosen["time"].dt.day.values.tolist() == [28, 29, 1]


def test_days_outside_the_source() -> None:
    with pytest.raises(MissingDataError, match="expected times from 2009-01-01"):
        open_source(dataset("speedy-5p6"), start=date(2009, 1, 1))
    with pytest.raises(InvalidDataError, match="expected times in"):
        open_source(dataset("speedy-5p6"), end=date(2007, 1, 1))


def test_a_dataset_without_location_needs_one() -> None:
    with pytest.raises(ConfigurationError, match="ncep-natlantic: expected --source"):
        open_source(dataset("ncep-natlantic"))


def test_the_catalogue_knows_its_names() -> None:
    assert dataset_names() == ("speedy-5p6", "ncep-natlantic", "era5-5p6", "era5-1p5", "era5-0p25")
    with pytest.raises(ConfigurationError, match=r"expected one of speedy-5p6, .* found 'era6'"):
        dataset("era6")
    with pytest.raises(ConfigurationError, match="nonsense"):
        DatasetEntry.model_validate(dataset("era5-5p6").model_dump() | {"channels": ("nonsense",)})


def test_the_sample_can_be_made_again(tmp_path) -> None:  # type: ignore[no-untyped-def]
    with netCDF4.Dataset(tmp_path / "year.nc", "w") as year:
        for name, size in (("time", 4), ("latitude", 2), ("longitude", 3)):
            year.createDimension(name, size)
        year.setncatts({"source": "a model", "history": "made"})
        time = year.createVariable("time", "i4", ("time",))
        time.setncatts({"units": "hours since 1900-01-01 00:00:00", "calendar": "standard"})
        time[:] = [24, 36, 48, 60]
        year.createVariable("msl", "f4", ("time", "latitude", "longitude"))[:] = np.arange(24).reshape(4, 2, 3)
        year.createVariable("lsm", "f4", ("latitude", "longitude"))[:] = 1
    make_sample(tmp_path / "year.nc", tmp_path / "sample.nc")
    with netCDF4.Dataset(tmp_path / "sample.nc") as sample:
        assert sample["time"][:].tolist() == [24, 48]
        np.testing.assert_array_equal(sample["msl"][:], np.arange(24).reshape(4, 2, 3)[[0, 2]])
        assert "SIMULATED" in sample.title


def test_the_catalogue_knows_the_grid() -> None:
    grid = dataset("speedy-5p6").grid
    assert grid is not None
    analysis = open_source(dataset("speedy-5p6"))
    for axis, expected in zip(("latitude", "longitude"), grid.coordinates(), strict=True):
        np.testing.assert_allclose(analysis[axis].values, expected, atol=1e-6)
