"""ERA5 from a replica of the Climate Data Store: jobs, faults, releases, and how it ends in an archive."""

import logging
import os
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from data_catalog.archive.ingest import ingest
from data_catalog.archive.ledger import Ledger
from data_catalog.archive.reading import open_archive
from data_catalog.catalog import DatasetEntry, dataset
from data_catalog.errors import ConfigurationError, InvalidDataError, MissingDataError
from data_catalog.sources.absences import absences_of
from data_catalog.sources.open_source import open_source
from data_catalog.sources.releases import preliminary_of
from tests.data_catalog.sources.cds.replica import KEY, Replica, serving, value, zipped

ENTRY = DatasetEntry.model_validate(
    {
        "name": "replica", "title": "x", "source": "cds", "location": "http://set.later", "step_hours": 12,
        "channels": ("z500", "t850", "msl", "t2m"), "static": ("orography", "lsm"), "period_start": date(2020, 1, 30),
        "period_end": date(2020, 2, 2), "licence": "Copernicus", "description": "x",
        "grid": {"latitude": (30.0, 60.0, 4), "longitude": (-10.0, 15.0, 6)},
    }
)  # fmt: skip


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Replica]:
    monkeypatch.setattr("data_catalog.storage.patience.Patience.waits", lambda self: iter([0.01] * 100))
    monkeypatch.setattr("data_catalog.sources.cds.jobs._FIRST_POLL_S", 0.01)
    monkeypatch.setattr("data_catalog.sources.cds.jobs._LONGEST_POLL_S", 0.01)
    for name in ("ECMWF_DATASTORES_KEY", "CDSAPI_RC"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PLUMECAST_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PLUMECAST_PATIENCE", "3")
    with serving(Replica()) as replica:
        monkeypatch.setenv("CDSAPI_URL", replica.url)
        monkeypatch.setenv("CDSAPI_KEY", KEY)
        yield replica


def expected(replica: Replica, variable: str, level: str | None = None) -> np.ndarray:
    days = ["2020-01-30", "2020-01-31", "2020-02-01", "2020-02-02"]
    return np.stack([value(replica, variable, day, time, level)[::-1] for day in days for time in ("00:00", "12:00")])


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


def test_what_was_asked_for_is_remembered(service: Replica, monkeypatch: pytest.MonkeyPatch) -> None:
    service.fates = ["hangs"]
    monkeypatch.setenv("PLUMECAST_CDS_WAIT", "0.1")
    with pytest.raises(MissingDataError, match=r"expected a job to be done, found it (accepted|running); run it again"):
        open_source(ENTRY, service.url)
    asked = len(service.submitted)
    service.jobs["job-0"]["fate"] = "done"
    monkeypatch.delenv("PLUMECAST_CDS_WAIT")
    assert open_source(ENTRY, service.url).sizes["time"] == 8
    assert open_source(ENTRY, service.url).sizes["time"] == 8
    assert len(service.submitted) == asked == 5


def test_outages_and_odd_answers_are_survived(service: Replica) -> None:
    service.faults = [503, b"<html>", 502, 429, b'{"status": "accepted"}', b"[]", 500]
    service.damage = [lambda body: body[:-5], lambda body: b"\0" + body[1:], lambda body: b"<html>"]
    opened = open_source(ENTRY, service.url)
    np.testing.assert_allclose(opened["msl"], expected(service, "mean_sea_level_pressure"), rtol=1e-5)
    assert not service.faults
    assert not service.damage


def test_a_failed_job_is_asked_for_again_a_rejected_one_is_not(service: Replica) -> None:
    service.fates = ["failed"]
    assert open_source(ENTRY, service.url).sizes["time"] == 8
    service.fates = ["failed"] * 30
    other = ENTRY.model_copy(update={"step_hours": 6})
    with pytest.raises(MissingDataError, match=r"found a job that failed 3 times: .*MARS has an error"):
        open_source(other, service.url)
    service.fates = ["rejected"]
    with pytest.raises(InvalidDataError, match="expected a job to be done, found it rejected: "):
        open_source(ENTRY.model_copy(update={"step_hours": 3}), service.url)


def test_a_job_that_is_gone_is_asked_for_again(service: Replica, monkeypatch: pytest.MonkeyPatch) -> None:
    service.fates = ["hangs"]
    monkeypatch.setenv("PLUMECAST_CDS_WAIT", "0")
    with pytest.raises(MissingDataError):
        open_source(ENTRY, service.url)
    service.jobs["other"] = service.jobs.pop("job-0")
    monkeypatch.delenv("PLUMECAST_CDS_WAIT")
    assert open_source(ENTRY, service.url).sizes["time"] == 8


def test_a_request_that_is_too_large_is_split(service: Replica) -> None:
    service.most_days = 1
    assert open_source(ENTRY, service.url).sizes["time"] == 8
    assert all(len(inputs["day"]) == 1 for _, inputs in service.submitted)
    service.fates = ["cost"] * 9
    with pytest.raises(InvalidDataError, match=r"expected a day within the limits, found .*Your request is too large"):
        open_source(ENTRY.model_copy(update={"step_hours": 6}), service.url)


@pytest.mark.parametrize(
    ("fate", "error", "said"),
    [
        ("licence", ConfigurationError, "expected that its licence is accepted, .*https://example.org/licence"),
        ("invalid", InvalidDataError, "expected a request that the service takes, found it refused"),
    ],
)
def test_refusals_say_what_to_do(service: Replica, fate: str, error: type[Exception], said: str) -> None:
    service.fates = [fate]
    with pytest.raises(error, match=said):
        open_source(ENTRY, service.url)


def test_days_not_published_yet_are_absent_with_a_reason(service: Replica) -> None:
    service.last_day = "2020-01-31"
    opened = open_source(ENTRY, service.url)
    assert opened.sizes["time"] == 4
    assert {one.reason for one in absences_of(opened)} > set()
    assert all("available yet" in one.reason and not one.never for one in absences_of(opened))
    service.last_day = "2019-01-01"
    with pytest.raises(MissingDataError, match=r"expected days from 2020-01-30 .*found none: .*available yet"):
        open_source(ENTRY.model_copy(update={"step_hours": 24}), service.url)


def test_the_key_is_sent_to_its_address_only_and_never_shown(
    service: Replica, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.delenv("CDSAPI_URL")
    with pytest.raises(ConfigurationError, match=r"expected the address that the key is for, https://cds\.climate"):
        open_source(ENTRY, service.url)
    monkeypatch.delenv("CDSAPI_KEY")
    monkeypatch.setenv("CDSAPI_RC", str(tmp_path / "rc"))
    with pytest.raises(ConfigurationError, match=r"expected a key in CDSAPI_KEY or .*rc, found none"):
        open_source(ENTRY, service.url)
    (tmp_path / "rc").write_text(f"url: {service.url}\nkey: wrong-{KEY}\n")
    with pytest.raises(ConfigurationError, match="expected a key that the service takes, found it refused") as caught:
        open_source(ENTRY, service.url)
    (tmp_path / "rc").write_text(f"url: {service.url}\nkey: {KEY}\n")
    open_source(ENTRY, service.url)
    kept = [path.read_text() for path in (tmp_path / "home").rglob("*.json")]
    assert len(kept) == 5
    assert not any(KEY in text for text in [caplog.text, str(caught.value), *kept])


def test_without_the_client_the_way_out_is_said(service: Replica, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ecmwf.datastores", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'plumecast\[cds\]'"):
        open_source(ENTRY, service.url)


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
