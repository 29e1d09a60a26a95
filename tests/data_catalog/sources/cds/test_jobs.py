"""Jobs of the Climate Data Store: remembered, waited for, and asked for again where that helps."""

import numpy as np
import pytest

from data_catalog.errors import InvalidDataError, MissingDataError
from data_catalog.sources.open_source import open_source
from tests.data_catalog.sources.cds.replica import ENTRY, Replica, expected


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


def test_outages_and_odd_answers_are_survived(service: Replica) -> None:
    service.faults = [503, b"<html>", 502, 429, b'{"status": "accepted"}', b"[]", 500]
    service.damage = [lambda body: body[:-5], lambda body: b"\0" + body[1:], lambda body: b"<html>"]
    opened = open_source(ENTRY, service.url)
    np.testing.assert_allclose(opened["msl"], expected(service, "mean_sea_level_pressure"), rtol=1e-5)
    assert not service.faults
    assert not service.damage
