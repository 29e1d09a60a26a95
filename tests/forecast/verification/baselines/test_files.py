"""The file of baselines brings back the same forecasts."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from data_catalog.errors import InvalidDataError
from forecast.verification.baselines.files import load_baselines, save_baselines
from forecast.verification.baselines.fitted import KINDS, Baselines

LEADS = (np.arange(1, 6) * 24).astype("timedelta64[h]").astype("timedelta64[ns]")


def test_file_brings_back_the_same_forecasts(weather: xr.Dataset, baselines: Baselines, tmp_path: Path) -> None:
    path = save_baselines(baselines, tmp_path / "baselines.nc")
    assert [entry.name for entry in tmp_path.iterdir()] == ["baselines.nc"]
    loaded = load_baselines(path)
    assert loaded.channels == ("msl", "t850")
    start = np.datetime64("2007-02-01")
    for kind in KINDS:
        arguments = (kind, weather, start, LEADS, 5, 0)
        xr.testing.assert_identical(loaded.forecast(*arguments), baselines.forecast(*arguments))
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(InvalidDataError, match="expected fitted baselines in NetCDF"):
        load_baselines(path)
    with pytest.raises(InvalidDataError, match=r"absent\.nc"):
        load_baselines(tmp_path / "absent.nc")


def test_a_flipped_byte_is_found(baselines: Baselines, tmp_path: Path) -> None:
    path = save_baselines(baselines, tmp_path / "baselines.nc")
    whole, found = path.read_bytes(), 0
    for place in np.linspace(0.3, 0.9, 20) * len(whole):
        damaged = bytearray(whole)
        damaged[int(place)] ^= 255
        path.write_bytes(damaged)
        try:
            loaded = load_baselines(path)
        except InvalidDataError as error:
            found += str(error).startswith(f"baselines {path}: expected fitted baselines in NetCDF, found ")
        else:
            assert loaded.step_hours == baselines.step_hours
            assert np.array_equal(loaded.linear.propagate, baselines.linear.propagate)
            assert loaded.analogues is not None
            assert baselines.analogues is not None
            assert np.array_equal(loaded.analogues.coordinates, baselines.analogues.coordinates)
    assert found >= 10  # the others hit gaps of the file
