"""Forecasts from files of a lead time each: whole, or not at all."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from data_catalog.errors import InvalidDataError, MissingDataError
from data_catalog.sources.gfs import gfs_addresses, gfs_forecast
from data_catalog.sources.grib.forecasts import open_forecast_files
from tests.data_catalog.sources.grib.serving import Served, serving
from tests.data_catalog.sources.grib.writing import LATITUDE, LONGITUDE, message, weather

START, LEADS = np.datetime64("2026-05-20T12", "h"), (3, 6)

AT = partial(gfs_forecast, START)


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.setenv("PLUMECAST_PATIENCE", "3")
    monkeypatch.setattr("data_catalog.storage.patience.Patience.waits", lambda self: iter([0.01] * 100))
    with serving(tmp_path) as found:
        for lead in LEADS:
            put(found.root, lead, lead)
        yield found


def put(root: Path, lead: int, coded_lead: int, told: str = "{} hour fcst") -> None:
    """Write a file of the store; its message may be of another lead time than its index says."""
    path = root / gfs_addresses(START, 0, lead)[0].path
    path.parent.mkdir(parents=True, exist_ok=True)
    values = weather("2t", LATITUDE[:, None], LONGITUDE, lead)
    when = {"dataDate": 20260520, "dataTime": 1200, "dataType": "fc", "step": coded_lead}
    path.write_bytes(message("2t", values=values, **when))
    Path(f"{path}.idx").write_text(f"1:0:d=2026052012:TMP:2 m above ground:{told.format(lead)}:\n")


def test_lead_times_stand_in_their_order(served: Served) -> None:
    found = open_forecast_files(served.url, AT, LEADS, ["t2m"], START)["t2m"]
    assert found.dims == ("member", "lead_time", "latitude", "longitude")
    assert (found["lead_time"] / np.timedelta64(1, "h")).values.tolist() == list(LEADS)
    for number, lead in enumerate(LEADS):
        expected = weather("2t", LATITUDE[::-1, None], LONGITUDE, lead)
        np.testing.assert_allclose(found[0, number], expected, atol=2e-3)


def test_one_lead_time_is_a_forecast_too(served: Served) -> None:
    found = open_forecast_files(served.url, AT, [6], ["t2m"], START)["t2m"]
    assert found.shape == (1, 1, 4, 6)


def test_a_message_of_another_lead_time_is_refused(served: Served) -> None:
    put(served.root, 6, 9)
    found = open_forecast_files(served.url, AT, LEADS, ["t2m"], START)
    with pytest.raises(InvalidDataError, match=r"expected 2t .* for 2026-05-20T18:00Z, found 2t .* 2026-05-20T21:00Z"):
        found.load()


def test_what_lacks_is_named(served: Served) -> None:
    with pytest.raises(MissingDataError, match="expected the forecast from 2026-05-20T12:00Z at 9 h, found none there"):
        open_forecast_files(served.url, AT, [3, 9], ["t2m"], START)
    put(served.root, 6, 6, told="0-{} hour ave fcst")
    with pytest.raises(InvalidDataError, match="expected t2m at 2026-05-20T18:00Z in its index, found nothing"):
        open_forecast_files(served.url, AT, LEADS, ["t2m"], START)
