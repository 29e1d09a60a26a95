"""Precipitation over some hours out of sums since the start and out of buckets."""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import eccodes
import numpy as np
import pytest
import xarray as xr

from data_catalog.errors import InvalidDataError
from data_catalog.sources.ecmwf_open_data import ecmwf_forecast, file_path, index_path
from data_catalog.sources.gfs import gfs_addresses, gfs_forecast
from data_catalog.sources.grib.forecasts import open_forecast_files
from tests.data_catalog.sources.grib.serving import Served, serving
from tests.data_catalog.sources.grib.writing import message

START = np.datetime64("2026-05-20T12", "h")
PLACES = np.arange(24.0).reshape(4, 6)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.setenv("PLUMECAST_PATIENCE", "3")
    (tmp_path / "store").mkdir()
    with serving(tmp_path / "store") as served:
        yield served


def coded(first: int, last: int, values: np.ndarray, parameter: int, bits: int = 24) -> bytes:
    keys = {"dataDate": 20260520, "dataTime": 1200, "dataType": "fc", "paramId": parameter, "bitsPerValue": bits}
    return message("tp", values=values, **keys, stepType="accum", stepRange=f"{first}-{last}")


def put_ifs(root: Path, lead: int, metres: np.ndarray, bits: int = 24) -> None:
    one, path = coded(0, lead, metres, 228, bits), root / file_path(START, lead)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(one)
    line = {"param": "tp", "levtype": "sfc", "step": str(lead), "_offset": 0, "_length": len(one)}
    (root / index_path(file_path(START, lead))).write_text(json.dumps(line) + "\n")


def put_gfs(root: Path, lead: int, sums: dict[int, np.ndarray]) -> None:
    """Sums by their first hour."""
    content, lines = b"", ""
    path = root / gfs_addresses(START, 0, lead)[0].path
    for number, (first, values) in enumerate(sums.items(), 1):
        days = first % 24 == 0 and lead % 24 == 0
        told = f"{first // 24}-{lead // 24} day" if days else f"{first}-{lead} hour"
        lines += f"{number}:{len(content)}:d=2026052012:APCP:surface:{told} acc fcst:\n"
        content += coded(first, lead, values, 228228)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    Path(f"{path}.idx").write_text(lines)


def ifs(store: Served, leads: list[int], name: str) -> xr.DataArray:
    return open_forecast_files(store.url, lambda some: ecmwf_forecast(START, some, None), leads, [name], START)[name]


def gfs(store: Served, leads: list[int], name: str) -> xr.DataArray:
    return open_forecast_files(store.url, partial(gfs_forecast, START), leads, [name], START)[name]


def test_sums_since_the_start_are_subtracted(store: Served) -> None:
    for lead in (24, 48):
        put_ifs(store.root, lead, 1e-5 * lead * PLACES)
    found = ifs(store, [24, 48], "tp24")
    assert found.attrs["units"] == "kg m-2"
    for number in range(2):
        np.testing.assert_allclose(found[0, number], 0.24 * PLACES[::-1], atol=1e-4)


def test_noise_of_packing_is_set_to_zero_and_more_is_refused(store: Served) -> None:
    put_ifs(store.root, 24, 1e-3 * PLACES, bits=4)
    put_ifs(store.root, 30, 1e-3 * PLACES)
    handle = eccodes.codes_new_from_message((store.root / file_path(START, 24)).read_bytes())
    coarse = eccodes.codes_get_values(handle).reshape(4, 6)
    eccodes.codes_release(handle)
    difference = (1e-3 * PLACES - coarse)[::-1]
    assert difference.min() < -1e-4, "there is noise"
    np.testing.assert_allclose(ifs(store, [30], "tp6")[0, 0], 1e3 * np.maximum(difference, 0), atol=1e-3)
    put_ifs(store.root, 24, 1e-3 * PLACES)
    put_ifs(store.root, 30, 0.9e-3 * PLACES)
    with pytest.raises(InvalidDataError, match=r"expected an amount of 0 or more .*found -0.002"):
        ifs(store, [30], "tp6").load()


def test_buckets_that_are_reset_are_added(store: Served) -> None:
    for lead in (6, 12, 18, 24):
        put_gfs(store.root, lead, {lead - 6: lead * PLACES / 100})
    np.testing.assert_allclose(gfs(store, [24], "tp24")[0, 0], 0.6 * PLACES[::-1], atol=1e-4)
    np.testing.assert_allclose(gfs(store, [12, 24], "tp6")[0, 1], 0.24 * PLACES[::-1], atol=1e-4)


def test_sums_since_the_start_serve_where_buckets_do_not(store: Served) -> None:
    put_gfs(store.root, 24, {18: PLACES, 0: 3 * PLACES})
    put_gfs(store.root, 27, {24: PLACES, 0: 4 * PLACES})
    put_gfs(store.root, 21, {18: PLACES / 2, 0: 2.5 * PLACES})
    np.testing.assert_allclose(gfs(store, [27], "tp6")[0, 0], 1.5 * PLACES[::-1], atol=1e-4)
    np.testing.assert_allclose(gfs(store, [24], "tp24")[0, 0], 3 * PLACES[::-1], atol=1e-4)


def test_hours_that_no_buckets_tile_are_refused(store: Served) -> None:
    put_gfs(store.root, 24, {18: PLACES})
    put_gfs(store.root, 27, {24: PLACES})
    with pytest.raises(InvalidDataError, match=r"tp6 at 27 h: expected sums that tile 21-27 h, .* found 24-27 h"):
        gfs(store, [27], "tp6")
