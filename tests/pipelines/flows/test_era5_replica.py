"""ERA5 from public storage, end to end: ingest, train and forecast on a replica of its layout, served over HTTP."""

import re
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import numcodecs
import numpy as np
import pytest
import xarray as xr

from forecast.products.files.forecast_reading import open_forecast
from pipelines.cli.app import main
from pipelines.workspace.systems import find_system
from tests.pipelines.conftest import on_any_grid

LEVELS = [250, 500, 850]
ON_LEVELS = {
    "geopotential": (54e3, 500.0),
    "temperature": (270.0, 4.0),
    "u_component_of_wind": (5.0, 4.0),
    "v_component_of_wind": (0.0, 4.0),
    "specific_humidity": (5e-3, 5e-4),
}
SURFACE = {
    "mean_sea_level_pressure": (101e3, 600.0),
    "2m_temperature": (285.0, 3.0),
    "total_precipitation_24hr": (3e-3, 4e-4),
}
UNITS = {"geopotential": "m**2 s**-2", "temperature": "K", "specific_humidity": "kg kg**-1"}
UNITS |= {"mean_sea_level_pressure": "Pa", "2m_temperature": "K", "total_precipitation_24hr": "m"}


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


def replica(path: Path, days: int) -> None:
    """Zarr v2, consolidated, six-hourly, (time, level, longitude, latitude), long names, GRIB-style units."""
    generator = np.random.default_rng(0)
    times = np.datetime64("1979-01-01", "ns") + np.arange(4 * days) * np.timedelta64(6, "h")
    fields = {}
    for name, (mean, scale) in (ON_LEVELS | SURFACE).items():
        levels = (len(LEVELS),) if name in ON_LEVELS else ()
        dims = ("time", *(("level",) if levels else ()), "longitude", "latitude")
        values = mean + scale * generator.standard_normal((times.size, *levels, 16, 8)).clip(-5, 5)
        fields[name] = (dims, values.astype(np.float32), {"units": UNITS.get(name, "m s**-1")})
    for name, units in (("geopotential_at_surface", "m**2 s**-2"), ("land_sea_mask", "(0 - 1)")):
        fields[name] = (("longitude", "latitude"), generator.random((16, 8), np.float32), {"units": units})
    places = {"time": times, "level": LEVELS, "latitude": np.linspace(-78.75, 78.75, 8)}
    store = xr.Dataset(fields, coords=places | {"longitude": np.arange(16) * 22.5})
    compressor = numcodecs.Blosc(cname="lz4", clevel=5, shuffle=numcodecs.Blosc.SHUFFLE)
    chunks = {
        name: tuple(100 if dim == "time" else size for dim, size in field.sizes.items())
        for name, field in store.items()
    }
    encoding = {name: {"chunks": sizes, "compressors": (compressor,)} for name, sizes in chunks.items()}
    store.to_zarr(path, zarr_format=2, consolidated=True, encoding=encoding)


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    replica(tmp_path / "served" / "era5.zarr", days=340)
    handler = partial(QuietHandler, directory=str(tmp_path / "served"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/era5.zarr"
    server.shutdown()
    server.server_close()


@pytest.fixture
def system_file(tmp_path: Path) -> Path:
    """The shipped era5-5p6, with a tiny network and the months that the replica holds."""
    shipped = (Path(__file__).parents[3] / "pipelines" / "systems" / "era5-5p6.toml").read_text()
    periods = """[periods]
training = { start = 1979-01-01, end = 1979-11-10 }
validation = { start = 1979-11-11, end = 1979-11-20 }
test = { start = 1979-11-21, end = 1979-12-06 }
"""
    small = re.sub(r"\[periods\].*?(?=\n\[)", periods, shipped, flags=re.DOTALL)
    small = small.replace("widths = [128, 256]", "widths = [8, 8]").replace("blocks = 3", "blocks = 1")
    small = small.replace("iterations = 100000\nbatch_size = 32", "iterations = 2\nbatch_size = 2")
    small = small.replace("sampling_steps = 12", "sampling_steps = 2")
    path = tmp_path / "era5-5p6.toml"
    path.write_text(small + "\n[verification]\nbaseline_eofs = 4\n")
    return path


def test_from_public_storage_to_members(
    url: str, system_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLUMECAST_HOME", str(tmp_path / "home"))
    on_any_grid(monkeypatch, "era5-5p6")
    system = find_system(str(system_file))
    assert system.network.widths == (8, 8)
    assert main(["ingest", "era5-5p6", "--source", url, "--end", "1979-12-06"]) == 0
    assert main(["train", str(system_file)]) == 0
    words = ["forecast", str(system_file), "--init", "1979-11-25", "--members", "2", "--lead", "2d"]
    # No real atmosphere is like this one, and two iterations teach nothing about weather.
    assert main([*words, "--allow-suspect", "--publish-anyway"]) == 0
    forecast = open_forecast(tmp_path / "home" / "runs" / "era5-5p6" / "19791125T0000Z")
    assert tuple(sorted(map(str, forecast.data_vars))) == tuple(sorted(system.state.predictands))
    assert dict(forecast.sizes) == {"member": 2, "lead_time": 2, "latitude": 8, "longitude": 16}
    # A slip of units or of channels would show all the same.
    assert float(forecast["msl"].mean()) == pytest.approx(101e3, rel=0.2)
    assert float(forecast["t850"].mean()) == pytest.approx(270, rel=0.2)
