"""Ledgers restored from their copy, or made again."""

import json
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
import xarray as xr

from data_catalog.archive.ingest import ingest
from data_catalog.archive.ledger import Ledger
from data_catalog.archive.reading import open_archive
from data_catalog.archive.recovery import is_archive, sound_ledger
from data_catalog.archive.state import inspect_archive
from data_catalog.catalog import DatasetEntry
from data_catalog.errors import InvalidDataError

MakeAnalysis = Callable[..., xr.Dataset]


def as_format_1(archive: Path) -> None:
    """Rewrite the ledger of an archive as releases before chained ledgers wrote it, and what they did not publish."""
    header, *records = [
        json.loads(line.partition(b" ")[2]) for line in (archive / "ledger.jsonl").read_bytes().splitlines()
    ]
    kept = [{**header, "format": 1}, *(record for record in records if record["record"] != "published")]
    texts = [json.dumps(record, separators=(",", ":")).encode() for record in kept]
    (archive / "ledger.jsonl").write_bytes(b"".join(b"%08x %s\n" % (zlib.crc32(text), text) for text in texts))
    (archive / "ledger.copy.jsonl").unlink()
    group = json.loads((archive / "zarr.json").read_text())
    del group["attributes"]["plumecast_ledger"]
    (archive / "zarr.json").write_text(json.dumps(group, indent=1))


def test_an_archive_of_format_1_opens_and_is_upgraded_when_it_is_written(
    entry: DatasetEntry, make_analysis: MakeAnalysis, archive: Path
) -> None:
    identity = ingest(entry, make_analysis(times=12), archive).identity
    chunk = (archive / "msl" / "c.0.0.0").read_bytes()
    as_format_1(archive)
    xr.testing.assert_equal(open_archive(archive).compute(), make_analysis(times=12))
    state = inspect_archive(archive, deep=True)
    assert (state.faults, state.identity) == ((), identity)
    assert not Ledger.read(archive).is_chained
    assert ingest(entry, make_analysis(times=20), archive).known == 12
    assert Ledger.read(archive).is_chained
    assert (archive / "msl" / "c.0.0.0").read_bytes() == chunk
    assert inspect_archive(archive, deep=True).faults == ()
    xr.testing.assert_equal(open_archive(archive).compute(), make_analysis(times=20))


def test_a_lost_ledger_is_restored_from_its_copy(
    entry: DatasetEntry, make_analysis: MakeAnalysis, archive: Path
) -> None:
    ingest(entry, make_analysis(), archive)
    before = (archive / "ledger.jsonl").read_bytes()
    (archive / "ledger.jsonl").unlink()
    with pytest.raises(InvalidDataError, match=r"expected the archive's ledger\.jsonl, found none; mend it with"):
        open_archive(archive)
    assert is_archive(archive)
    assert sound_ledger(archive) is not None
    assert (archive / "ledger.jsonl").read_bytes() == before


def test_the_ledger_of_another_archive_is_not_believed(
    entry: DatasetEntry, make_analysis: MakeAnalysis, archive: Path
) -> None:
    ingest(entry, make_analysis(), archive)
    ingest(entry, make_analysis(seed=1), archive.with_name("other.zarr"))
    before = (archive / "ledger.jsonl").read_bytes()
    (archive / "ledger.jsonl").write_bytes((archive.with_name("other.zarr") / "ledger.jsonl").read_bytes())
    with pytest.raises(InvalidDataError, match="its last lines are lost"):
        open_archive(archive)
    assert sound_ledger(archive) is not None
    assert (archive / "ledger.jsonl").read_bytes() == before


def test_a_ledger_lost_for_good_needs_a_source_with_all_times(
    entry: DatasetEntry, make_analysis: MakeAnalysis, archive: Path
) -> None:
    ingest(entry, make_analysis(), archive)
    for name in ("ledger.jsonl", "ledger.copy.jsonl"):
        (archive / name).unlink()
    assert is_archive(archive)
    with pytest.raises(InvalidDataError, match=r"a source with all 20 times .* found none at 2001-01-01T00:00"):
        ingest(entry, make_analysis(start="2001-01-03"), archive)
    summary = ingest(entry, make_analysis(times=25), archive)
    assert (summary.added, summary.known) == (5, 20)
    xr.testing.assert_equal(open_archive(archive).compute(), make_analysis(times=25))
    assert inspect_archive(archive, deep=True).faults == ()


@pytest.mark.parametrize("left", ["metadata", "some of the ledger"])
def test_a_source_with_fewer_times_is_refused_though_the_times_are_lost_too(
    entry: DatasetEntry, make_analysis: MakeAnalysis, archive: Path, left: str
) -> None:
    ingest(entry, make_analysis(), archive)
    (archive / "ledger.jsonl").unlink()
    (archive / "time" / "c.0").write_bytes(b"rubbish")
    copy = archive / "ledger.copy.jsonl"
    if left == "metadata":
        copy.unlink()
    else:  # the last commit, of 4 times, and what follows
        copy.write_bytes(b"".join(copy.read_bytes().splitlines(keepends=True)[:4]))
        (archive / "time" / "zarr.json").unlink()
    kept = {path: path.read_bytes() for path in archive.rglob("c.*")}
    fewest = 20 if left == "metadata" else 16
    with pytest.raises(InvalidDataError, match=rf"a source with all {fewest} times .* found 12$"):
        ingest(entry, make_analysis(times=12), archive)
    assert {path: path.read_bytes() for path in archive.rglob("c.*")} == kept
    assert ingest(entry, make_analysis(), archive).known == 20
