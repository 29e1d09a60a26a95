"""The yearly files of NOAA's Physical Sciences Laboratory as a replica of their exact layout on this machine."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from data_catalog.archive.ingest import ingest
from data_catalog.archive.reading import open_archive
from data_catalog.catalog import DatasetEntry, dataset
from data_catalog.errors import ConfigurationError, InvalidDataError, MissingDataError
from data_catalog.sources.ncep_r1 import FILES, open_ncep_r1
from data_catalog.sources.open_source import open_source
from tests.data_catalog.sources.grib.serving import Served, serving

LEVELS = np.array([1000.0, 850.0, 500.0, 200.0], np.float32)
UNITS = {"z": "m", "t": "degK", "msl": "Pascals", "tsig995": "degK", "q": "grams/kg"}
LONG_NAMES = {
    "z": "mean Daily Geopotential height", "t": "mean Daily Air temperature", "q": "mean Daily Specific humidity",
    "msl": "mean Daily Sea Level Pressure", "tsig995": "mean Daily Air temperature at sigma level 995",
}  # fmt: skip
SINCE = "hours since 1800-01-01 00:00:0.0"
ENTRY = DatasetEntry(
    name="replica", title="x", source="ncep-r1", location="http://set.later", channels=("z500", "t850", "msl"),
    step_hours=24, period_start=date(2020, 4, 1), licence="public domain", description="x",
)  # fmt: skip


def typical(name: str, days: np.ndarray, levels: int) -> np.ndarray:
    base = {"z": 5500.0, "t": 275.0, "msl": 101e3, "tsig995": 280.0, "q": 4.0}[name]
    days = days.astype("M8[D]")
    shape = np.random.default_rng(2).random((37, 72))
    level = np.arange(levels)[:, None, None]
    return np.asarray(base + level + shape + (days.astype(int) % 100)[:, None, None, None] * 0.02, np.float32)


def put(root: Path, name: str, year: int, days: int) -> None:
    """A yearly file: float32, chunks of one field, deflated, latitude descending, hours since 1800."""
    file, on_levels = FILES[name], FILES[name].path.startswith("pressure/")
    time = np.datetime64(f"{year}-01-01") + np.arange(days)
    values = typical(name, time, len(LEVELS) if on_levels else 1)
    dims = ("time", "level", "lat", "lon")
    if not on_levels:
        values, dims = values[:, 0], ("time", "lat", "lon")
    places = {
        "time": ("time", (time - np.datetime64("1800-01-01")).astype(float) * 24, {"units": SINCE}),
        "lat": ("lat", np.linspace(90, -90, 37).astype(np.float32), {"units": "degrees_north"}),
        "lon": ("lon", np.arange(72, dtype=np.float32) * 5, {"units": "degrees_east"}),
    }  # fmt: skip
    if on_levels:
        places["level"] = ("level", LEVELS, {"units": "millibar", "positive": "down"})
    attributes = {"units": UNITS[name], "long_name": LONG_NAMES[name], "missing_value": np.float32(-9.96921e36)}
    whole = xr.Dataset({file.name: (dims, values, attributes)}, places)
    path = root / f"{file.path}.{year}.nc"
    path.parent.mkdir(parents=True, exist_ok=True)
    chunks = (1,) * (len(dims) - 2) + (37, 72)
    encoding = {file.name: {"chunksizes": chunks, "zlib": True, "complevel": 2, "_FillValue": None}}
    whole.to_netcdf(path, unlimited_dims=["time"], encoding=encoding, format="NETCDF4_CLASSIC")


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.setenv("PLUMECAST_PATIENCE", "3")
    monkeypatch.setattr("data_catalog.storage.patience.Patience.waits", lambda self: iter([0.01] * 100))
    for name in ("z", "t", "msl"):
        put(tmp_path / "psl", name, 2020, 120)
        put(tmp_path / "psl", name, 2021, 5)
    put(tmp_path / "psl", "q", 2021, 5)
    with serving(tmp_path / "psl") as served:
        yield served


def test_years_are_joined_and_only_wanted_days_and_levels_are_fetched(server: Served, tmp_path: Path) -> None:
    opened = open_source(ENTRY, server.url)
    assert opened["time"].values[[0, -1]].astype("M8[D]").astype(str).tolist() == ["2020-04-01", "2021-01-05"]
    summary = ingest(ENTRY, opened, tmp_path / "a.zarr")
    assert summary.added == 34
    archived = open_archive(tmp_path / "a.zarr").load()
    days = archived["time"].values.astype("M8[D]")
    np.testing.assert_allclose(archived["z500"], 9.80665 * typical("z", days, 4)[:, 2, ::-1], rtol=1e-6)
    np.testing.assert_allclose(archived["t850"], typical("t", days, 4)[:, 1, ::-1], rtol=1e-6)
    np.testing.assert_allclose(archived["msl"], typical("msl", days, 1)[:, 0, ::-1], rtol=1e-6)
    year = (server.root / "pressure" / "hgt.2020.nc").stat().st_size
    fetched = sum(length for path, _, length in server.ranges if path == "pressure/hgt.2020.nc")
    assert fetched < year / 2


def test_units_of_humidity(server: Served) -> None:
    opened = open_ncep_r1(server.url, ["q850"], step_hours=24, start=date(2021, 1, 1), end=date(2021, 1, 5))
    np.testing.assert_allclose(
        opened["q850"][0, 0], 1e-3 * typical("q", opened["time"].values[:1], 4)[0, 1, -1], rtol=1e-5
    )


def test_what_is_not_there(server: Served) -> None:
    with pytest.raises(MissingDataError, match="expected files of 1950 to 1951, found none"):
        open_ncep_r1(server.url, ["z500"], step_hours=24, start=date(1950, 1, 1), end=date(1951, 1, 5))
    with pytest.raises(ConfigurationError, match=r"expected channels of z, t, u, .*, found lsm"):
        open_ncep_r1(server.url, ["z500"], ["lsm"], step_hours=24, start=date(2020, 1, 1))
    with pytest.raises(InvalidDataError, match="expected the same times for z500 and q850, found 2020-01-01"):
        open_ncep_r1(server.url, ["z500", "q850"], step_hours=24, start=date(2020, 1, 1), end=date(2021, 1, 1))


def test_the_shipped_dataset_has_files() -> None:
    entry = dataset("ncep-2p5")
    assert entry.grid is not None
    assert [axis.size for axis in entry.grid.coordinates()] == [73, 144]
    assert all(entry_channel.rstrip("0123456789") in FILES for entry_channel in entry.channels)
