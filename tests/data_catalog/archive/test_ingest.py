import errno
import fcntl
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data_catalog.archive.ingest import ingest
from data_catalog.archive.reading import open_archive
from data_catalog.archive.state import inspect_archive
from data_catalog.catalog import DatasetEntry
from data_catalog.errors import ConfigurationError, InvalidDataError, MissingDataError

MakeAnalysis = Callable[..., xr.Dataset]


def test_values_round_trip(entry: DatasetEntry, make_analysis: MakeAnalysis, archive: Path) -> None:
    analysis = make_analysis(times=20)
    told: list[tuple[int, int]] = []
    summary = ingest(entry, analysis.chunk({"time": 7}), archive, on_progress=lambda done, of: told.append((done, of)))
    assert (summary.added, summary.known, summary.filled, summary.mended) == (20, 0, 0, 0)
    assert told == [(8, 20), (16, 20), (20, 20)]
    found = open_archive(archive)
    assert found["msl"].chunks is not None
    assert found["msl"].attrs == analysis["msl"].attrs
    assert found.attrs["data_identity"] == summary.identity
    xr.testing.assert_equal(found.compute(), analysis)
    xr.testing.assert_equal(found.isel(time=11).compute(), analysis.isel(time=11))
    xr.testing.assert_equal(
        found.isel(time=[13, 2], latitude=slice(1, 3)).compute(), analysis.isel(time=[13, 2], latitude=slice(1, 3))
    )
    xr.testing.assert_equal(
        found["t2m"].mean("time").compute(), analysis["t2m"].chunk({"time": 8}).mean("time").compute()
    )
    assert pickle.loads(pickle.dumps(found["msl"])).equals(analysis["msl"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=5, deadline=None)
@given(parts=st.lists(st.tuples(st.integers(0, 19), st.integers(1, 20)), min_size=1, max_size=4))
def test_the_order_of_arrival_does_not_matter(
    entry: DatasetEntry,
    make_analysis: MakeAnalysis,
    tmp_path_factory: pytest.TempPathFactory,
    parts: list[tuple[int, int]],
) -> None:
    directory, whole = tmp_path_factory.mktemp("order"), make_analysis(times=20)
    for start, length in parts:
        ingest(entry, whole.isel(time=slice(start, start + length)), directory / "a.zarr")
    summary = ingest(entry, whole, directory / "a.zarr")
    assert summary.identity == ingest(entry, whole, directory / "b.zarr").identity
    xr.testing.assert_equal(open_archive(directory / "a.zarr").compute(), whole)
    assert inspect_archive(directory / "a.zarr", deep=True).sound


def test_nan_in_the_source_stops_the_ingest(entry: DatasetEntry, make_analysis: MakeAnalysis, archive: Path) -> None:
    analysis = make_analysis(times=40)
    analysis["msl"][33, 0, 0] = np.nan
    with pytest.raises(InvalidDataError, match=r"tiny \(ingest\): msl at 2001-02-03T00:00Z: expected a value"):
        ingest(entry, analysis.chunk({"time": 4}), archive)


def test_a_second_ingest_is_refused_while_the_first_runs(
    entry: DatasetEntry, make_analysis: MakeAnalysis, archive: Path
) -> None:
    lock = os.open(archive.with_name("tiny.zarr.lock"), os.O_RDWR | os.O_CREAT)
    os.write(lock, b"4321")
    fcntl.flock(lock, fcntl.LOCK_EX)
    with pytest.raises(
        MissingDataError, match="expected no other process working on it, found process 4321; try again"
    ):
        ingest(entry, make_analysis(), archive)
    os.close(lock)  # as the system does when the owner ends, or is killed
    assert ingest(entry, make_analysis(), archive).added == 20


@pytest.mark.parametrize(("number", "words"), [(errno.ENOSPC, "a full disk"), (errno.EROFS, "a read-only file system")])
def test_an_unwritable_disk_is_one_error_line(
    entry: DatasetEntry,
    make_analysis: MakeAnalysis,
    archive: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    words: str,
) -> None:
    whole = make_analysis(times=20)
    ingest(entry, whole.isel(time=slice(0, 10)), archive)

    def fail(descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as broken:
        broken.setattr("data_catalog.storage.atomic_files.os.fsync", fail)
        with pytest.raises(
            ConfigurationError, match=rf"tiny\.zarr.*: expected to be able to write, found {words}"
        ) as told:
            ingest(entry, whole, archive)
    assert "\n" not in str(told.value)
    xr.testing.assert_equal(open_archive(archive).compute(), whole.isel(time=slice(0, 10)))
    assert ingest(entry, whole, archive).added == 10
    xr.testing.assert_equal(open_archive(archive).compute(), whole)


def test_a_real_limit_on_the_size_of_files(tmp_path: Path) -> None:
    code = (
        "import resource; from pathlib import Path\n"
        "from data_catalog.archive.ingest import ingest; from data_catalog.catalog import dataset\n"
        "from data_catalog.sources.open_source import open_source; from data_catalog.errors import ConfigurationError\n"
        "entry = dataset('speedy-5p6'); resource.setrlimit(resource.RLIMIT_FSIZE, (100000, 100000))\n"
        "try: ingest(entry, open_source(entry), Path('a.zarr'))\n"
        "except ConfigurationError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    )
    assert "found a limit on the size of files" in done.stdout
