"""WeatherBench2's public store, as a small replica of its exact layout served over HTTP from this machine."""

import shutil
import traceback
from collections.abc import Iterator
from datetime import date
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import repeat
from pathlib import Path
from threading import Thread

import numcodecs
import numpy as np
import pytest
import xarray as xr
import zarr

from data_catalog.archive.ingest import ingest
from data_catalog.archive.reading import open_archive
from data_catalog.catalog import DatasetEntry, dataset
from data_catalog.errors import ConfigurationError, InvalidDataError, MissingDataError
from data_catalog.sources.open_source import open_source

LEVELS = [50, 250, 500, 850, 1000]
HOURS, TIMES_PER_CHUNK = 48, 10
LATITUDE, LONGITUDE = np.linspace(-78.75, 78.75, 8), np.arange(0.0, 360.0, 22.5)
MEANS = {
    "geopotential": (54e3, "m**2 s**-2"),
    "temperature": (270.0, "K"),
    "u_component_of_wind": (5.0, "m s**-1"),
    "v_component_of_wind": (1.0, "m s**-1"),
    "specific_humidity": (0.005, "kg kg**-1"),
}
SURFACE = {
    "mean_sea_level_pressure": (101e3, "Pa"),
    "2m_temperature": (285.0, "K"),
    "total_precipitation_24hr": (0.002, "m"),
}
ENTRY = dataset("era5-5p6").model_copy(
    update={"period_start": date(1979, 1, 1), "period_end": date(1979, 1, 12), "grid": None}
)


def _replica() -> xr.Dataset:
    rng = np.random.default_rng(2)
    fields: dict[str, object] = {}
    for name, (mean, units) in MEANS.items():
        values = mean * (1 + 0.01 * rng.random((HOURS, len(LEVELS), 16, 8), np.float32))
        fields[name] = (("time", "level", "longitude", "latitude"), values.astype(np.float32), {"units": units})
    for name, (mean, units) in SURFACE.items():
        values = mean * (1 + 0.01 * rng.random((HOURS, 16, 8), np.float32))
        fields[name] = (("time", "longitude", "latitude"), values.astype(np.float32), {"units": units})
    surface = rng.random((16, 8), np.float32)
    fields["geopotential_at_surface"] = (("longitude", "latitude"), 9806.65 * surface, {"units": "m**2 s**-2"})
    fields["land_sea_mask"] = (("longitude", "latitude"), surface, {"units": "(0 - 1)"})
    time = np.datetime64("1979-01-01", "ns") + np.arange(HOURS) * np.timedelta64(6, "h")
    places = {"time": time, "level": LEVELS, "latitude": LATITUDE, "longitude": LONGITUDE}
    replica = xr.Dataset(fields, places)  # type: ignore[arg-type]
    # Each level has its own size, so that a wrong one cannot pass.
    replica["geopotential"] *= xr.DataArray(np.array([3.7, 1.9, 1.0, 0.27, 0.02], np.float32), dims="level")
    return replica


@pytest.fixture(scope="module")
def replica_store(tmp_path_factory: pytest.TempPathFactory) -> tuple[xr.Dataset, Path]:
    replica, path = _replica(), tmp_path_factory.mktemp("wb2") / "era5.zarr"
    compressor = numcodecs.Blosc(cname="lz4", clevel=5, shuffle=numcodecs.Blosc.SHUFFLE)
    encoding = {}
    for name, field in replica.items():
        chunks = tuple(TIMES_PER_CHUNK if dim == "time" else size for dim, size in field.sizes.items())
        encoding[name] = {"chunks": chunks, "compressors": (compressor,)}
    replica.to_zarr(path, zarr_format=2, consolidated=True, encoding=encoding)
    return replica, path


class Server:
    """Serves a directory, and records the requested paths; `faults` spoils the first answers of some paths."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.asked: list[str] = []
        self.faults: dict[str, list[str]] = {}
        asked, faults = self.asked, self.faults

        class Handler(SimpleHTTPRequestHandler):
            def log_message(self, format: str, *args: object) -> None:
                asked.append(self.path)

            def do_GET(self) -> None:
                left = next((left for path, left in faults.items() if self.path.endswith(path)), [])
                if left:
                    self._spoil(left.pop(0))
                else:
                    super().do_GET()

            def _spoil(self, fault: str) -> None:
                whole = Path(self.translate_path(self.path)).read_bytes()
                flipped = whole[:-30] + bytes([whole[-30] ^ 4]) + whole[-29:]
                spoilt = {
                    "flip": flipped,
                    "html": b"<html>sign in</html>" * 50,
                    "empty": b"",
                    "short": whole[: len(whole) // 2],
                }
                self.send_response(200 if fault in (*spoilt, "cut") else int(fault))
                body = spoilt.get(fault, whole if fault == "cut" else b"")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body[: len(body) // 3] if fault == "cut" else body)
                self.close_connection = True

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(directory)))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/era5.zarr"
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def chunks_asked(self, variable: str) -> set[str]:
        return {path.rsplit("/", 1)[1] for path in self.asked if f"/{variable}/" in path and "/.z" not in path}


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("data_catalog.storage.patience.Patience.waits", lambda self: repeat(0.001))


@pytest.fixture
def server(replica_store: tuple[xr.Dataset, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    # The real store's chunks are of 10 MB, and so never read several at a time.
    monkeypatch.setattr("data_catalog.sources.zarr_stores._BLOCK_BYTES", 0)
    shutil.copytree(replica_store[1], tmp_path / "era5.zarr")
    running = Server(tmp_path)
    yield running
    running.close()


def _expected(replica: xr.Dataset) -> xr.Dataset:
    return replica.isel(time=slice(None, None, 4)).transpose("time", "level", "latitude", "longitude", ...)


def test_the_dataset_is_read_over_http(replica_store: tuple[xr.Dataset, Path], server: Server) -> None:
    analysis = open_source(ENTRY, server.url)
    expected = _expected(replica_store[0])
    assert tuple(analysis.data_vars) == (*ENTRY.channels, *ENTRY.static)
    assert analysis["time"].dt.hour.values.tolist() == [0] * 12
    found = analysis.compute()
    np.testing.assert_array_equal(found["z500"], expected["geopotential"].sel(level=500))
    np.testing.assert_array_equal(found["u250"], expected["u_component_of_wind"].sel(level=250))
    np.testing.assert_allclose(found["tp24"], 1000 * expected["total_precipitation_24hr"], rtol=1e-6)
    np.testing.assert_allclose(found["orography"], expected["geopotential_at_surface"] / 9.80665, rtol=1e-6)
    np.testing.assert_array_equal(found["lsm"], expected["land_sea_mask"].transpose("latitude", "longitude"))


def test_only_the_chosen_variables_and_times_are_fetched(server: Server) -> None:
    analysis = open_source(ENTRY, server.url, start=date(1979, 1, 6), end=date(1979, 1, 7))
    assert not server.chunks_asked("geopotential")
    analysis["z500"].compute()
    assert server.chunks_asked("geopotential") == {"2.0.0.0"}  # hours 120 and 144 lie in steps 20 to 29
    assert not server.chunks_asked("temperature")
    assert not server.chunks_asked("2m_temperature")


def test_channels_of_one_variable_share_its_chunks(server: Server) -> None:
    open_source(ENTRY, server.url)[["u250", "u850"]].compute()
    asked = [path for path in server.asked if "/u_component_of_wind/" in path and "/.z" not in path]
    assert len(asked) == len(set(asked)) == 5


def test_an_absent_chunk_is_an_error_and_not_nan(server: Server) -> None:
    (server.directory / "era5.zarr" / "temperature" / "3.0.0.0").unlink()
    analysis = open_source(ENTRY, server.url)
    assert np.isfinite(analysis["t850"].isel(time=slice(0, 7)).values).all()
    with pytest.raises(InvalidDataError, match=r"era5\.zarr: temperature at 1979-01-.*no chunk temperature/3\.0\.0\.0"):
        analysis["t850"].compute()


@pytest.mark.parametrize("kept", [0, 10, 100, -1000, -1])
def test_a_truncated_chunk_is_an_error(server: Server, kept: int) -> None:
    chunk = server.directory / "era5.zarr" / "temperature" / "0.0.0.0"
    chunk.write_bytes(chunk.read_bytes()[:kept])
    with pytest.raises(InvalidDataError, match=r"era5\.zarr: temperature at 1979-01-01T00:00.*chunk temperature/0"):
        open_source(ENTRY, server.url)["t850"].compute()


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_a_truncated_chunk_on_disk_is_an_error(
    replica_store: tuple[xr.Dataset, Path], tmp_path: Path, zarr_format: int
) -> None:
    codec = numcodecs.Blosc(cname="lz4") if zarr_format == 2 else zarr.codecs.BloscCodec(cname="lz4")
    place = tmp_path / "era5.zarr"
    encoding = {name: {"compressors": (codec,)} for name in replica_store[0]}
    replica_store[0].to_zarr(place, zarr_format=zarr_format, consolidated=zarr_format == 2, encoding=encoding)
    assert np.isfinite(open_source(ENTRY, str(place))["t850"].values).all()
    chunk = max((place / "temperature").rglob("*"), key=lambda path: path.stat().st_size if path.is_file() else 0)
    chunk.write_bytes(chunk.read_bytes()[:-1])
    with pytest.raises(InvalidDataError, match=r"era5\.zarr: temperature at .*bytes, its header says"):
        open_source(ENTRY, str(place))["t850"].compute()


def test_ingest_resumes_without_fetching_twice(
    replica_store: tuple[xr.Dataset, Path], server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("data_catalog.archive.contents.times_per_block", lambda points: 2)
    ingest(ENTRY, open_source(ENTRY, server.url, end=date(1979, 1, 5)), tmp_path / "archive.zarr")
    fetched = server.chunks_asked("geopotential")
    server.asked.clear()
    summary = ingest(ENTRY, open_source(ENTRY, server.url), tmp_path / "archive.zarr")
    assert (summary.known, summary.added) == (5, 7)
    assert fetched == {"0.0.0.0", "1.0.0.0"}
    assert server.chunks_asked("geopotential") & fetched == {"1.0.0.0"}  # of the latest times, which are compared
    archived = open_archive(tmp_path / "archive.zarr")["z500"]
    np.testing.assert_array_equal(archived, _expected(replica_store[0])["geopotential"].sel(level=500))


def test_changed_values_in_a_remote_source_are_noticed(
    replica_store: tuple[xr.Dataset, Path], server: Server, tmp_path: Path
) -> None:
    ingest(ENTRY, open_source(ENTRY, server.url, end=date(1979, 1, 5)), tmp_path / "archive.zarr")
    changed = open_source(ENTRY, server.url, start=date(1979, 1, 5)).load()
    changed["t2m"][0, 0, 0] += 1.0
    with pytest.raises(InvalidDataError, match="t2m at 1979-01-05T00:00:00: expected the archived values"):
        ingest(ENTRY, changed, tmp_path / "archive.zarr")


def test_the_same_store_on_disk_and_by_file_url(replica_store: tuple[xr.Dataset, Path]) -> None:
    path = replica_store[1]
    from_disk = open_source(ENTRY, str(path))
    xr.testing.assert_identical(open_source(ENTRY, path.as_uri()).compute(), from_disk.compute())


@pytest.mark.parametrize("fault", ["404", "403", "429", "500", "503", "html", "empty", "short", "cut"])
@pytest.mark.parametrize("path", ["/temperature/1.0.0.0", "/latitude/0", "/.zmetadata"])
def test_an_answer_that_fails_once_or_twice_is_asked_for_again(
    replica_store: tuple[xr.Dataset, Path], server: Server, path: str, fault: str
) -> None:
    server.faults[path] = [fault, fault]
    found = open_source(ENTRY, server.url)["t850"]
    np.testing.assert_array_equal(found, _expected(replica_store[0])["temperature"].sel(level=850))
    assert not server.faults[path]


@pytest.mark.parametrize("path", ["/temperature/1.0.0.0", "/longitude/0"])
def test_a_byte_that_is_changed_on_the_way_is_found_by_reading_twice(
    replica_store: tuple[xr.Dataset, Path], server: Server, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setenv("PLUMECAST_READ_TWICE", "1")
    server.faults[path] = ["flip"]
    found = open_source(ENTRY, server.url)["t850"]
    np.testing.assert_array_equal(found, _expected(replica_store[0])["temperature"].sel(level=850))
    np.testing.assert_array_equal(found["longitude"], LONGITUDE)
    assert not server.faults[path]


def test_faults_that_stay_are_told_in_one_line(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLUMECAST_PATIENCE", "0.05")
    url = server.url.replace("http://", "http://bob:s3cretpw@") + "?sig=TOKEN123"
    for fault, kind, words in (
        ("403", ConfigurationError, "expected permission to read, found a refusal"),
        ("503", MissingDataError, "expected an answer, found HTTP status 503"),
        ("html", InvalidDataError, "expected a Zarr group, found no consolidated metadata that can be read"),
    ):
        server.faults["/.zmetadata"] = server.faults["/.zmetadata?sig=TOKEN123"] = [fault] * 9999
        with pytest.raises(kind, match=words) as told:
            open_source(ENTRY, server.url)
        assert "PROPFIND" not in str(told.value)
        with pytest.raises((ConfigurationError, MissingDataError, InvalidDataError)) as told:
            open_source(ENTRY, url)
        shown = "".join(traceback.format_exception(told.value))
        assert "s3cretpw" not in shown
        assert "TOKEN123" not in shown


def test_locations_without_a_store_are_refused(server: Server, tmp_path: Path) -> None:
    with pytest.raises(InvalidDataError, match=r"absent\.zarr: expected a Zarr group"):
        open_source(ENTRY, server.url.replace("era5", "absent"))
    with pytest.raises(ConfigurationError, match="expected a file or directory"):
        open_source(ENTRY, str(tmp_path / "absent.zarr"))


def test_an_unreachable_server_is_missing_data(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLUMECAST_PATIENCE", "0.01")
    server.close()
    with pytest.raises(MissingDataError, match="expected an answer"):
        open_source(ENTRY, server.url)


def test_the_store_must_hold_every_channel(server: Server) -> None:
    more = DatasetEntry.model_validate(ENTRY.model_dump() | {"channels": ("z500", "z700")})
    with pytest.raises(InvalidDataError, match=r"expected channel z700, found|expected channel z700"):
        open_source(more, server.url)
