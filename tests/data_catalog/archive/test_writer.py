"""New times are added, and values that contradict the archive are refused."""

from collections.abc import Callable
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
import xarray as xr

from data_catalog.archive.ingest import ingest
from data_catalog.archive.ledger import Ledger
from data_catalog.archive.reading import open_archive
from data_catalog.archive.state import inspect_archive
from data_catalog.catalog import DatasetEntry
from data_catalog.errors import InvalidDataError

MakeAnalysis = Callable[..., xr.Dataset]


def _state(path: Path) -> dict[str, tuple[bytes, int]]:
    files = (file for file in path.rglob("*") if file.is_file())
    return {str(file): (file.read_bytes(), file.stat().st_mtime_ns) for file in files}


def test_ingesting_the_same_data_again_writes_nothing(
    entry: DatasetEntry, make_analysis: MakeAnalysis, archive: Path
) -> None:
    first = ingest(entry, make_analysis(), archive)
    before = _state(archive)
    again = ingest(entry, make_analysis(), archive)
    assert (again.added, again.known, again.identity) == (0, 20, first.identity)
    assert _state(archive) == before


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


def test_damage_is_not_repaired_with_other_values(
    entry: DatasetEntry, make_analysis: MakeAnalysis, archive: Path
) -> None:
    ingest(entry, make_analysis(), archive)
    (archive / "t2m" / "c.1.0.0").unlink()
    with pytest.raises(InvalidDataError, match="expected the archived values, to repair a damaged chunk"):
        ingest(entry, make_analysis(seed=1, static=()).assign(lsm=make_analysis()["lsm"]), archive)


def test_a_kill_between_replacing_a_chunk_and_its_commit(
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


def test_replaced_values_are_a_generation_and_an_open_archive_is_not_mixed(
    entry: DatasetEntry, make_analysis: MakeAnalysis, archive: Path
) -> None:
    first = ingest(entry, make_analysis(), archive)
    opened = open_archive(archive)
    corrected = make_analysis(times=22)
    corrected["t2m"][9] += 1
    summary = ingest(entry, corrected, archive, replace=True)
    assert (summary.added, summary.replaced) == (2, 1)
    assert summary.identity != first.identity
    xr.testing.assert_equal(open_archive(archive).compute(), corrected)
    assert Ledger.read(archive).blocks[1].generations == {"2001-01-10T00:00:00": 1}
    with pytest.raises(InvalidDataError, match="expected the values as opened, found replaced ones: open it again"):
        opened["t2m"].compute()
    assert inspect_archive(archive, deep=True).sound


def test_a_replacement_that_was_killed_cannot_be_read_and_is_finished(
    entry: DatasetEntry, make_analysis: MakeAnalysis, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ingest(entry, make_analysis(), archive)
    corrected = make_analysis()
    corrected["t2m"][9] += 1
    with monkeypatch.context() as stopped:
        stopped.setattr("data_catalog.archive.ledger.Ledger.replace", Mock(side_effect=KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            ingest(entry, corrected, archive, replace=True)
    with pytest.raises(InvalidDataError, match=r"t2m/c\.1\.0\.0"):
        open_archive(archive).compute()
    assert ingest(entry, corrected, archive, replace=True).mended == 1
    xr.testing.assert_equal(open_archive(archive).compute(), corrected)


def test_a_corrected_static_field_is_taken_on_request(
    entry: DatasetEntry, make_analysis: MakeAnalysis, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = ingest(entry, make_analysis(), archive)
    corrected = make_analysis().assign(lsm=lambda ds: (ds["lsm"] / 2).assign_attrs(ds["lsm"].attrs))
    with pytest.raises(InvalidDataError, match=r"found another in the source; 'plumecast ingest tiny --replace' takes"):
        ingest(entry, corrected, archive)
    with monkeypatch.context() as stopped:
        stopped.setattr("data_catalog.archive.layout.write_static", Mock(side_effect=KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            ingest(entry, corrected, archive, replace=True)
    assert ingest(entry, corrected, archive).mended == 1
    assert inspect_archive(archive, deep=True).sound
    xr.testing.assert_equal(open_archive(archive).compute(), corrected)
    back = ingest(entry, make_analysis(), archive, replace=True)
    assert (back.replaced, back.identity) == (1, first.identity)
    assert (
        Ledger.read(archive).header.static
        == Ledger.parsed((archive / "ledger.copy.jsonl").read_bytes(), archive / "ledger.jsonl").header.static
    )
    xr.testing.assert_equal(open_archive(archive).compute(), make_analysis())
