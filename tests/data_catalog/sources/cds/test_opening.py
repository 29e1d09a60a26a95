"""ERA5 from a replica of the Climate Data Store: months, releases, and how it ends in an archive."""

import os
from pathlib import Path

import numpy as np
import pytest

from data_catalog.archive.ingest import ingest
from data_catalog.archive.ledger import Ledger
from data_catalog.archive.reading import open_archive
from data_catalog.catalog import dataset
from data_catalog.errors import InvalidDataError, MissingDataError
from data_catalog.sources.absences import absences_of
from data_catalog.sources.open_source import open_source
from data_catalog.sources.releases import preliminary_of
from tests.data_catalog.sources.cds.replica import ENTRY, Replica, expected, zipped


def test_months_are_asked_for_joined_and_archived_with_their_release(service: Replica, tmp_path: Path) -> None:
    opened = open_source(ENTRY, service.url)
    assert [(name, inputs["month"], inputs["day"]) for name, inputs in service.submitted] == [
        ("reanalysis-era5-pressure-levels", ["01"], ["30", "31"]),
        ("reanalysis-era5-single-levels", ["01"], ["30", "31"]),
        ("reanalysis-era5-pressure-levels", ["02"], ["01", "02"]),
        ("reanalysis-era5-single-levels", ["02"], ["01", "02"]),
        ("reanalysis-era5-single-levels", ["01"], ["01"]),
    ]
    inputs = service.submitted[0][1]
    assert inputs["area"] == [60.0, -10.0, 30.0, 15.0]
    assert inputs["grid"] == [5.0, 10.0]
    assert inputs["time"] == ["00:00", "12:00"]
    np.testing.assert_allclose(opened["z500"], expected(service, "geopotential", "500"), rtol=1e-5)
    np.testing.assert_allclose(opened["t2m"], expected(service, "2m_temperature"), rtol=1e-5)
    np.testing.assert_allclose(opened["orography"], 100.0, rtol=1e-5)
    preliminary = preliminary_of(opened)
    assert preliminary is not None
    assert preliminary.tolist() == opened["time"].values[4:].tolist()
    assert ingest(ENTRY, opened, tmp_path / "a.zarr").added == 8
    assert len(Ledger.read(tmp_path / "a.zarr").releases.preliminary) == 4
    assert service.keys == {None}


def test_final_values_replace_preliminary_ones_and_no_others(service: Replica, tmp_path: Path) -> None:
    archive = tmp_path / "a.zarr"
    ingest(ENTRY, open_source(ENTRY, service.url), archive)
    service.final_until = "2020-02-01"
    for file in (tmp_path / "home" / "requests").rglob("*.*"):  # as if some days had gone by
        os.utime(file, (0, 0))
    summary = ingest(ENTRY, open_source(ENTRY, service.url), archive)
    assert (summary.added, summary.replaced) == (0, 2)
    np.testing.assert_allclose(open_archive(archive)["t2m"], expected(service, "2m_temperature"), rtol=1e-5)
    ledger = Ledger.read(archive)
    assert sorted(ledger.releases.preliminary) == ["2020-02-02T00:00:00", "2020-02-02T12:00:00"]
    assert sum(len(block.generations) for block in ledger.blocks) == 2
    assert [str(first)[:10] for first, _ in ledger.releases.wanted()] == ["2020-02-02"]
    other = open_source(ENTRY, service.url)
    with pytest.raises(InvalidDataError, match="expected the archived values, found others in the source"):
        ingest(ENTRY, other.assign(t2m=other["t2m"] + 1), archive)


def test_days_not_published_yet_are_absent_with_a_reason(service: Replica) -> None:
    service.last_day = "2020-01-31"
    opened = open_source(ENTRY, service.url)
    assert opened.sizes["time"] == 4
    assert {one.reason for one in absences_of(opened)} > set()
    assert all("available yet" in one.reason and not one.never for one in absences_of(opened))
    service.last_day = "2019-01-01"
    with pytest.raises(MissingDataError, match=r"expected days from 2020-01-30 .*found none: .*available yet"):
        open_source(ENTRY.model_copy(update={"step_hours": 24}), service.url)


def test_files_in_a_zip(service: Replica) -> None:
    plain = service.make
    service.make = lambda replica, inputs: zipped({"data.grib": plain(replica, inputs)})
    opened = open_source(ENTRY, service.url)
    np.testing.assert_allclose(opened["z500"], expected(service, "geopotential", "500"), rtol=1e-5)


def test_the_shipped_dataset() -> None:
    entry = dataset("era5-cds-europe")
    assert entry.grid is not None
    assert [axis.size for axis in entry.grid.coordinates()] == [46, 81]
    assert entry.is_remote
