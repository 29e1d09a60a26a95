"""A climatology is written in pieces of any size, with the same values, and no chunk of it may be lost."""

from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cloudpickle
import numpy as np
import pytest
import xarray as xr

from data_catalog.archive.climatology_writing import ClimatologySettings, rows_at_once, write_climatology
from data_catalog.archive.workers import Workers
from data_catalog.errors import ConfigurationError, InvalidDataError
from data_catalog.sources.reading import in_stored_chunks
from data_catalog.sources.zarr_stores import open_complete
from data_catalog.statistics.daily_climatology import Calendar
from tests.data_catalog.conftest import MakeAnalysis


def written(analysis: xr.Dataset, store: Path, memory_bytes: int = 10**9) -> xr.Dataset:
    calendar = Calendar.of(analysis["time"].values)
    write_climatology(analysis, calendar, ClimatologySettings(memory_bytes=memory_bytes), store)
    return in_stored_chunks(open_complete(store), str(store))


def test_rows_one_by_one_equal_all_at_once(make_analysis: MakeAnalysis, tmp_path: Path) -> None:
    analysis = make_analysis(times=800, step_hours=12)
    whole = written(analysis, tmp_path / "whole.zarr")
    assert whole["msl"].data.chunksize == (1, 61, 4, 8)
    done: list[int] = []
    write_climatology(
        analysis.chunk(time=37, latitude=2),
        Calendar.of(analysis["time"].values),
        ClimatologySettings(memory_bytes=1),
        tmp_path / "rows.zarr",
        done.append,
    )
    rows = in_stored_chunks(open_complete(tmp_path / "rows.zarr"), "rows")
    assert rows["msl"].data.chunksize == (1, 61, 1, 8)
    xr.testing.assert_identical(rows.compute(), whole.compute())
    assert done == [1, 2]
    assert not list((tmp_path / "rows.zarr").glob("scratch*"))


def test_other_workers_write_the_same_bytes(make_analysis: MakeAnalysis, tmp_path: Path) -> None:
    class Sending(ThreadPoolExecutor):
        """What it carries out has been sent, as to another process."""

        def submit(self, function: Any, /, *words: Any, **named: Any) -> Future[Any]:
            return super().submit(*cloudpickle.loads(cloudpickle.dumps((function, *words))), **named)

    analysis = make_analysis(times=400).chunk(time=7)
    settings = ClimatologySettings(memory_bytes=1)
    with Sending(3) as executor:
        for name, workers in (("here", None), ("there", Workers(executor, 3))):
            calendar = Calendar.of(analysis["time"].values)
            write_climatology(analysis, calendar, settings, tmp_path / name, workers=workers)
    here, there = (
        {
            path.relative_to(tmp_path / name): path.read_bytes()
            for path in (tmp_path / name).rglob("*")
            if path.is_file()
        }
        for name in ("here", "there")
    )
    assert len(here) > 20
    assert here == there


def test_a_lost_chunk_is_an_error_and_a_missing_region_is_not(make_analysis: MakeAnalysis, tmp_path: Path) -> None:
    analysis = make_analysis(times=400)
    analysis["t2m"].values[:, :2] = np.nan
    found = written(analysis, tmp_path / "a.zarr", memory_bytes=1)
    assert found["t2m"].isnull().mean() == 0.5
    chunks = [path for path in (tmp_path / "a.zarr" / "msl").rglob("*") if path.is_file()]
    next(path for path in chunks if path.name != "zarr.json").unlink()
    with pytest.raises(InvalidDataError, match="msl"):
        found["msl"].compute()


def test_memory_decides_how_many_rows_are_taken(make_analysis: MakeAnalysis) -> None:
    analysis = make_analysis(times=400)
    assert rows_at_once(analysis, 1, ClimatologySettings(memory_bytes=1)) == 1
    assert rows_at_once(analysis, 1, ClimatologySettings(memory_bytes=10**12)) == 4


@pytest.mark.parametrize("quantiles", [(0.5, 0.1), (0.5, 0.5), (-0.1,), (1.5,), (float("nan"),)])
def test_quantiles_must_ascend_between_0_and_1(quantiles: tuple[float, ...]) -> None:
    with pytest.raises(ConfigurationError, match=r"quantiles: expected ascending numbers in 0\.\.1"):
        ClimatologySettings(quantiles=quantiles)
