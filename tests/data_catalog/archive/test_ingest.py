import errno
import fcntl
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data_catalog.archive.analysis import open_analysis
from data_catalog.archive.chunks import times_per_block
from data_catalog.archive.ingest import ingest
from data_catalog.archive.reading import archive_path, open_archive
from data_catalog.archive.state import inspect_archive
from data_catalog.catalog import DatasetEntry, dataset
from data_catalog.errors import ConfigurationError, InvalidDataError, MissingDataError

MakeAnalysis = Callable[..., xr.Dataset]


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("data_catalog.archive.writer.times_per_block", lambda points: 8)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return tmp_path / "tiny.zarr"


def _state(path: Path) -> dict[str, tuple[bytes, int]]:
    files = (file for file in path.rglob("*") if file.is_file())
    return {str(file): (file.read_bytes(), file.stat().st_mtime_ns) for file in files}


def test_what_goes_in_comes_out(entry: DatasetEntry, make_analysis: MakeAnalysis, archive: Path) -> None:
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


def test_any_zarr_reader_can_read_it(entry: DatasetEntry, make_analysis: MakeAnalysis, archive: Path) -> None:
    analysis = make_analysis(times=20)
    ingest(entry, analysis, archive)
    xr.testing.assert_equal(xr.open_zarr(archive).compute(), analysis)


def test_again_it_writes_nothing(entry: DatasetEntry, make_analysis: MakeAnalysis, archive: Path) -> None:
    first = ingest(entry, make_analysis(), archive)
    before = _state(archive)
    again = ingest(entry, make_analysis(), archive)
    assert (again.added, again.known, again.identity) == (0, 20, first.identity)
    assert _state(archive) == before


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


def test_holes_are_found_and_filled(entry: DatasetEntry, make_analysis: MakeAnalysis, archive: Path) -> None:
    whole = make_analysis(times=20)
    ingest(entry, whole.isel(time=[*range(5), *range(8, 20)]), archive)
    state = inspect_archive(archive)
    np.testing.assert_array_equal(state.holes, whole["time"].values[5:8])
    assert state.sound
    summary = ingest(entry, whole, archive)
    assert (summary.added, summary.filled) == (3, 3)
    assert inspect_archive(archive).holes.size == 0
    xr.testing.assert_equal(open_archive(archive).compute(), whole)


def test_times_that_differ_are_refused(entry: DatasetEntry, make_analysis: MakeAnalysis, archive: Path) -> None:
    ingest(entry, make_analysis(), archive)
    other = make_analysis(times=25)
    other["t2m"][12, 1, 1] += 0.25
    before = _state(archive)
    with pytest.raises(InvalidDataError, match=r"t2m at 2001-01-13T00:00:00: .*found others in the source.*0.25 K"):
        ingest(entry, other, archive)
    assert _state(archive) == before


def test_another_grid_dataset_or_static_field_is_refused(
    entry: DatasetEntry, make_analysis: MakeAnalysis, archive: Path
) -> None:
    ingest(entry, make_analysis(), archive)
    with pytest.raises(InvalidDataError, match=r"grid of the archive.*expected 4 values of latitude, found 5"):
        ingest(entry, make_analysis(latitude=np.linspace(-80, 80, 5)), archive)
    with pytest.raises(InvalidDataError, match="lsm: expected the archived field"):
        ingest(entry, make_analysis().assign(lsm=lambda ds: (ds["lsm"] * 0).assign_attrs(ds["lsm"].attrs)), archive)
    with pytest.raises(InvalidDataError, match="expected dataset tiny, found other"):
        ingest(entry.model_copy(update={"name": "other"}), make_analysis(), archive)
    with pytest.raises(InvalidDataError, match="expected channel t2m"):
        ingest(entry, make_analysis().drop_vars("t2m"), archive)
    with pytest.raises(InvalidDataError, match="expected a step of 24 h, found 7 h"):
        ingest(entry, make_analysis(step_hours=7), archive)


@pytest.mark.parametrize("damage", ["delete", "truncate", "flip", "empty"])
def test_a_damaged_chunk_is_an_error_for_its_times_only(
    entry: DatasetEntry, make_analysis: MakeAnalysis, archive: Path, damage: str
) -> None:
    analysis = make_analysis(times=20)
    ingest(entry, analysis, archive)
    chunk = archive / "t2m" / "c.1.0.0"
    content = bytearray(chunk.read_bytes())
    if damage == "delete":
        chunk.unlink()
    elif damage == "flip":
        content[len(content) // 2] ^= 4
        chunk.write_bytes(content)
    else:
        chunk.write_bytes(content[: -len(content) // 3] if damage == "truncate" else b"")
    found = open_archive(archive)
    xr.testing.assert_equal(found.isel(time=slice(0, 8)).compute(), analysis.isel(time=slice(0, 8)))
    xr.testing.assert_equal(found["msl"].compute(), analysis["msl"])
    with pytest.raises(
        InvalidDataError,
        match=r"tiny\.zarr/t2m/c\.1\.0\.0: t2m at 2001-01-09T00:00:00 to 2001-01-16T00:00:00: expected .*, found",
    ):
        found["t2m"].sel(time="2001-01-11").compute()
    state = inspect_archive(archive, deep=True)
    assert len(state.faults) == 1
    assert "t2m at 2001-01-09T00:00:00 to 2001-01-16T00:00:00" in state.faults[0]
    assert not state.sound
    assert inspect_archive(archive).sound == (damage == "flip")  # whose size is right

    with pytest.raises(InvalidDataError, match="to mend it, ingest 2001-01-09 to 2001-01-16 whole"):
        ingest(entry, analysis.isel(time=slice(10, 20)), archive)
    summary = ingest(entry, analysis, archive)
    assert (summary.mended, summary.added) == (1, 0)
    assert inspect_archive(archive, deep=True).sound
    xr.testing.assert_equal(open_archive(archive).compute(), analysis)


def test_damage_is_not_mended_with_other_values(
    entry: DatasetEntry, make_analysis: MakeAnalysis, archive: Path
) -> None:
    ingest(entry, make_analysis(), archive)
    (archive / "t2m" / "c.1.0.0").unlink()
    with pytest.raises(InvalidDataError, match="expected the archived values, to mend a damaged chunk"):
        ingest(entry, make_analysis(seed=1, static=()).assign(lsm=make_analysis()["lsm"]), archive)


def test_a_damaged_static_field_is_an_error(entry: DatasetEntry, make_analysis: MakeAnalysis, archive: Path) -> None:
    ingest(entry, make_analysis(), archive)
    file = archive / "lsm" / "c.0.0"
    content = bytearray(file.read_bytes())
    content[-10] ^= 1
    file.write_bytes(content)
    with pytest.raises(InvalidDataError, match=r"lsm/c\.0\.0: lsm: expected"):
        open_archive(archive)
    assert any("lsm" in fault for fault in inspect_archive(archive).faults)


def test_a_ledger_that_lost_its_end_is_an_error(
    entry: DatasetEntry, make_analysis: MakeAnalysis, archive: Path
) -> None:
    ingest(entry, make_analysis(times=20), archive)
    ledger = archive / "ledger.jsonl"
    ledger.write_bytes(b"".join(ledger.read_bytes().splitlines(keepends=True)[:-1]))
    with pytest.raises(InvalidDataError, match="expected 20 times, found 16: its end is lost"):
        open_archive(archive)


def test_nan_in_the_source_stops_the_ingest(entry: DatasetEntry, make_analysis: MakeAnalysis, archive: Path) -> None:
    analysis = make_analysis(times=40)
    analysis["msl"][33, 0, 0] = np.nan
    with pytest.raises(InvalidDataError, match=r"tiny \(ingest\): msl at 2001-02-03T00:00Z: expected a value"):
        ingest(entry, analysis.chunk({"time": 4}), archive)


def test_a_reader_beside_an_ingest_sees_no_fault(
    entry: DatasetEntry, make_analysis: MakeAnalysis, archive: Path
) -> None:
    whole = make_analysis(times=20)
    ingest(entry, whole.isel(time=slice(0, 12)), archive)
    opened = open_archive(archive)
    ingest(entry, whole, archive)  # replaces the chunk that holds times 8 to 11
    xr.testing.assert_equal(opened.compute(), whole.isel(time=slice(0, 12)))


def test_stopped_between_a_replaced_chunk_and_its_commit(
    entry: DatasetEntry, make_analysis: MakeAnalysis, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = make_analysis(times=20)
    first = whole.isel(time=slice(0, 12))
    ingest(entry, first, archive)
    before = (archive / "msl" / "c.1.0.0").read_bytes()
    with monkeypatch.context() as stopped:
        stopped.setattr("data_catalog.archive.ledger.Ledger.commit", Mock(side_effect=KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            ingest(entry, whole, archive)
    assert (archive / "msl" / "c.1.0.0").read_bytes() != before
    xr.testing.assert_equal(open_archive(archive).compute(), first)
    assert inspect_archive(archive, deep=True).sound
    assert ingest(entry, whole, archive).added == 8
    xr.testing.assert_equal(open_archive(archive).compute(), whole)


def test_a_second_ingest_is_told_to_wait(entry: DatasetEntry, make_analysis: MakeAnalysis, archive: Path) -> None:
    lock = os.open(archive.with_name("tiny.zarr.lock"), os.O_RDWR | os.O_CREAT)
    os.write(lock, b"4321")
    fcntl.flock(lock, fcntl.LOCK_EX)
    with pytest.raises(
        MissingDataError, match="expected no other process at work on it, found process 4321; try again"
    ):
        ingest(entry, make_analysis(), archive)
    os.close(lock)  # as the system does when the owner ends, or is killed
    assert ingest(entry, make_analysis(), archive).added == 20


@pytest.mark.parametrize(("number", "words"), [(errno.ENOSPC, "a full disk"), (errno.EROFS, "a read-only file system")])
def test_a_disk_that_cannot_be_written(
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


def test_something_else_is_not_overwritten(entry: DatasetEntry, make_analysis: MakeAnalysis, archive: Path) -> None:
    archive.mkdir()
    (archive / "thesis.txt").write_text("years of work")
    with pytest.raises(ConfigurationError, match=r"expected an archive or nothing, found something without ledger"):
        ingest(entry, make_analysis(), archive)
    assert (archive / "thesis.txt").read_text() == "years of work"


def test_open_analysis_reads_archives(entry: DatasetEntry, make_analysis: MakeAnalysis, archive: Path) -> None:
    analysis = make_analysis()
    ingest(entry, analysis, archive)
    found = open_analysis(archive, ["t2m"], ["lsm"])
    assert list(found.data_vars) == ["t2m", "lsm"]
    xr.testing.assert_equal(found.compute(), analysis[["t2m", "lsm"]])
    with pytest.raises(InvalidDataError, match="expected channel z500"):
        open_analysis(archive, ["z500"])


@pytest.mark.parametrize(
    ("latitude", "longitude"),
    [
        (np.linspace(-90, 90, 7), np.arange(0.0, 360.0, 30.0)),
        (np.arange(30.0, 70.1, 10.0), np.arange(-70.0, 10.1, 10.0)),
        (np.array([45.0]), np.array([3.0])),
    ],
    ids=["pole points", "region", "one point"],
)
def test_any_grid_can_be_archived(
    entry: DatasetEntry, make_analysis: MakeAnalysis, archive: Path, latitude: np.ndarray, longitude: np.ndarray
) -> None:
    analysis = make_analysis(times=3, latitude=latitude, longitude=longitude)
    ingest(entry, analysis, archive)
    xr.testing.assert_identical(open_archive(archive).compute().drop_attrs(deep=False), analysis)


def test_blocks_are_about_a_megabyte() -> None:
    assert times_per_block(32 * 64) == 128
    assert times_per_block(17 * 33) == 256
    assert times_per_block(721 * 1440) == 1


def test_nothing_there_is_for_later(tmp_path: Path) -> None:
    with pytest.raises(MissingDataError, match="expected an archive"):
        open_archive(tmp_path / "absent.zarr")
    assert archive_path(tmp_path, "tiny") == tmp_path / "archives" / "tiny.zarr"
    assert dataset("speedy-5p6").name == "speedy-5p6"
