import multiprocessing
import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from data_catalog.errors import InvalidDataError
from forecast.verification import EvaluationSums, UnscorableError
from forecast.verification.regions import REGIONS, Box, region_weights
from forecast.verification.score_archive import append_cycle, cycle_sums, open_score_archive, score_table, scores_of

MakePair = Callable[..., tuple[xr.DataArray, xr.DataArray]]
START = np.datetime64("2008-01-01T00:00", "ns")
DAY = np.timedelta64(1, "D")


def one_cycle(make_pair: MakePair, kind: str = "random") -> tuple[xr.Dataset, xr.Dataset]:
    forecast, analysis = make_pair(kind)
    scale = xr.Dataset({"msl": forecast, "t850": forecast + 1}), xr.Dataset({"msl": analysis, "t850": analysis})
    return scale[0], scale[1]


def sums_of(make_pair: MakePair, kind: str = "random") -> xr.DataArray:
    forecast, analysis = one_cycle(make_pair, kind)
    return cycle_sums(forecast, analysis, region_weights(forecast["latitude"], forecast["longitude"]))


def test_scores_from_the_archive_are_those_from_the_fields(make_pair: MakePair, tmp_path: Path) -> None:
    whole = EvaluationSums()
    for index, kind in enumerate(("random", "tied", "offset")):
        whole.add(*one_cycle(make_pair, kind))
        assert append_cycle(tmp_path, "plumecast", START + index * DAY, sums_of(make_pair, kind))
    archived = open_score_archive(tmp_path)["sums"]
    assert archived.dims == ("init_time", "forecaster", "channel", "lead_time", "region", "statistic")
    pooled = scores_of(archived.sel(forecaster="plumecast", region="global").sum("init_time", skipna=False))
    expected = whole.scores()
    for channel in ("msl", "t850"):
        for score in ("crps", "rmse", "mae", "bias", "spread", "spread_skill", "rank_histogram"):
            np.testing.assert_allclose(
                pooled[score].sel(channel=channel), list(expected[channel][score].values()), rtol=1e-9, err_msg=score
            )
    late = open_score_archive(tmp_path, start=START + DAY, end=START + DAY)
    assert late["init_time"].values.tolist() == [(START + DAY).astype(int)]


def test_table_has_one_row_an_entry(make_pair: MakePair, tmp_path: Path) -> None:
    sums = sums_of(make_pair)
    append_cycle(tmp_path, "plumecast", START, sums)
    append_cycle(tmp_path, "linear", START, sums)
    table = score_table(tmp_path)
    assert len(table) == 2 * 2 * 3 * sums.sizes["region"] * (sums.sizes["statistic"] - 1)
    row = table[(table["statistic"] == "crps") & (table["region"] == "tropics")].iloc[0]
    expected = sums.sel(channel=row["channel"], lead_time=row["lead_time"], region="tropics")
    assert row["sum"] == float(expected.sel(statistic="crps"))
    assert row["weight"] == float(expected.sel(statistic="weight"))
    assert not table.duplicated(["init_time", "forecaster", "channel", "lead_time", "region", "statistic"]).any()


def test_a_cycle_is_added_once(make_pair: MakePair, tmp_path: Path) -> None:
    sums = sums_of(make_pair)
    assert append_cycle(tmp_path, "plumecast", START, sums)
    assert not append_cycle(tmp_path, "plumecast", START, sums)
    with pytest.raises(InvalidDataError, match="expected the same scores as before"):
        append_cycle(tmp_path, "plumecast", START, sums * 2)
    assert not list(tmp_path.rglob(".*"))
    with pytest.raises(UnscorableError, match="forecaster: expected letters"):
        append_cycle(tmp_path, "../plumecast", START, sums)


def test_damage_is_named(make_pair: MakePair, tmp_path: Path) -> None:
    with pytest.raises(InvalidDataError, match="expected cycles, found none"):
        open_score_archive(tmp_path)
    append_cycle(tmp_path, "plumecast", START, sums_of(make_pair))
    path = tmp_path / "20080101T0000Z" / "plumecast.npz"
    content = bytearray(path.read_bytes())
    content[200] ^= 1
    for damaged in (bytes(content), bytes(content[:300]), b""):
        path.write_bytes(damaged)
        with pytest.raises(InvalidDataError, match=r"20080101T0000Z/plumecast\.npz: expected scores of a cycle"):
            open_score_archive(tmp_path)


def _write_cycles(archive: Path, sums: xr.DataArray, first: int, log: int) -> None:
    os.write(log, b"ready\n")
    for index in range(first, 10_000):
        if append_cycle(archive, "plumecast", START + index * DAY, sums):
            os.write(log, f"{index}\n".encode())


def _reported(log: Path) -> list[int]:
    return [int(line) for line in log.read_text().split() if line != "ready"]


def test_two_writers_and_fifty_kills_lose_and_double_nothing(make_pair: MakePair, tmp_path: Path) -> None:
    sums = sums_of(make_pair)
    archive, log_path = tmp_path / "archive", tmp_path / "log"
    log = os.open(log_path, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    context, chance = multiprocessing.get_context("fork"), random.Random(0)
    for attempt in range(1, 51):
        done = max(_reported(log_path), default=0)
        writers = [context.Process(target=_write_cycles, args=(archive, sums, done, log)) for _ in range(2)]
        for writer in writers:
            writer.start()
        while log_path.read_text().count("ready") < 2 * attempt:
            time.sleep(0.001)
        time.sleep(chance.uniform(0.0, 0.04))
        os.kill(writers[attempt % 2].pid or 0, signal.SIGKILL)
        time.sleep(0.005)
        writers[1 - attempt % 2].kill()
        for writer in writers:
            writer.join()
    os.close(log)
    reported = _reported(log_path)
    assert len(reported) == len(set(reported)) >= 10
    archived = open_score_archive(archive)["sums"]
    days = ((archived["init_time"].values - START) / DAY).astype(int).tolist()
    assert set(reported) <= set(days)
    assert len(days) == len(set(days))
    for index in range(archived.sizes["init_time"]):
        found = archived.isel(init_time=index, forecaster=0)
        np.testing.assert_array_equal(found.sel(channel=sums["channel"].values.tolist()).values, sums.values)


def test_regions() -> None:
    latitude = xr.DataArray(np.arange(-87.5, 90, 5), dims="latitude", name="latitude")
    longitude = xr.DataArray(np.arange(0.0, 360, 5), dims="longitude", name="longitude")
    latitude, longitude = (axis.assign_coords({axis.name: axis}) for axis in (latitude, longitude))
    weights = region_weights(latitude, longitude)
    assert weights["region"].values.tolist() == ["global", *REGIONS]
    shares = weights.sum(["latitude", "longitude"]) / weights.sel(region="global").sum()
    south, north, tropics = (
        float(shares.sel(region=name)) for name in ("southern-extratropics", "northern-extratropics", "tropics")
    )
    assert south == pytest.approx(north) == pytest.approx((1 - np.sin(np.deg2rad(20))) / 2)
    assert south + north + tropics == pytest.approx(1)
    europe = weights.sel(region="europe")
    assert float(europe.sel(longitude=350, latitude=52.5)) > 0
    assert float(europe.sel(longitude=345, latitude=52.5)) == 0
    regional = region_weights(
        latitude.sel(latitude=slice(30, 70)), xr.DataArray(np.arange(-70.0, 11, 5), dims="longitude", name="longitude")
    )
    assert regional["region"].values.tolist() == ["domain", "northern-extratropics", "europe"]
    land = xr.DataArray(np.ones((36, 72)), dims=("latitude", "longitude")) * (latitude > 0)
    own = region_weights(latitude, longitude, {"iceland": Box(60, 70, 335, 350), "land": land})
    assert own["region"].values.tolist() == ["global", "iceland", "land"]
    assert float((own.sel(region="iceland") > 0).sum()) == 2 * 4
    with pytest.raises(UnscorableError, match="region: expected south < north"):
        Box(50, 40)
