import numpy as np

from data_catalog.bundled import DIRECTORY, NATURAL_EARTH, SPEEDY_SAMPLE
from data_catalog.catalog import dataset
from data_catalog.sources.open_source import open_source


def test_the_sample_is_complete_and_marked_as_simulated() -> None:
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
