"""The bundled sample is reproducible."""

import netCDF4
import numpy as np

from data_catalog.bundled.make_sample import make_sample


def test_the_sample_is_reproducible(tmp_path) -> None:  # type: ignore[no-untyped-def]
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
