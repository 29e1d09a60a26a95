"""What other readers see of an archive, and whether it is as it was published."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from data_catalog.archive.ingest import ingest
from data_catalog.archive.ledger import Ledger
from data_catalog.archive.publication import check_published, publication_faults, publish, published_times
from data_catalog.catalog import DatasetEntry
from data_catalog.errors import InvalidDataError

MakeAnalysis = Callable[..., xr.Dataset]
FILES = [
    "zarr.json", "time/zarr.json", "time/c.0", "latitude/zarr.json", "latitude/c.0", "longitude/c.0", "msl/zarr.json",
    "lsm/zarr.json", "ledger.copy.jsonl",
]  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_a_lost_or_altered_file_is_found_and_published_again(
    entry: DatasetEntry, make_analysis: MakeAnalysis, archive: Path, name: str
) -> None:
    ingest(entry, make_analysis(), archive)
    ledger, right = Ledger.read(archive), (archive / name).read_bytes()
    assert publication_faults(archive, ledger) == []
    for damaged in (None, right[:-3], right[:20] + bytes([right[20] ^ 1]) + right[21:]):
        if damaged is None:
            (archive / name).unlink()
        else:
            (archive / name).write_bytes(damaged)
        (fault,) = publication_faults(archive, ledger)
        assert fault.startswith(f"{archive / name}: expected ")
        publish(archive, ledger)
        assert (archive / name).read_bytes() == right
    assert publication_faults(archive, Ledger.read(archive)) == []


def test_metadata_written_by_another_release_are_right(
    entry: DatasetEntry, make_analysis: MakeAnalysis, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as other:
        other.setattr("data_catalog.archive.publication.encode", lambda values: b"another compression")
        ingest(entry, make_analysis(), archive)
    assert publication_faults(archive, Ledger.read(archive)) == []
    (archive / "latitude" / "c.0").write_bytes(b"a third one")
    assert len(publication_faults(archive, Ledger.read(archive))) == 1


def test_lost_metadata_are_an_error_that_says_what_to_do(
    entry: DatasetEntry, make_analysis: MakeAnalysis, archive: Path
) -> None:
    ingest(entry, make_analysis(), archive)
    np.testing.assert_array_equal(published_times(archive), make_analysis()["time"].values)
    (archive / "zarr.json").write_text("{")
    with pytest.raises(InvalidDataError, match=r"zarr\.json: expected the metadata of Zarr, found none; mend it with"):
        check_published(archive, Ledger.read(archive))


def test_a_ledger_put_back_as_it_was_earlier_is_found(
    entry: DatasetEntry, make_analysis: MakeAnalysis, archive: Path
) -> None:
    ingest(entry, make_analysis(times=10), archive)
    before = (archive / "ledger.jsonl").read_bytes()
    changed = make_analysis(times=10)
    changed["t2m"][3] += 1
    ingest(entry, changed, archive, replace=True)
    (archive / "ledger.jsonl").write_bytes(before)
    with pytest.raises(InvalidDataError, match=r"expected line \w{8}\.\.\., found none: its last lines are lost"):
        check_published(archive, Ledger.read(archive))
