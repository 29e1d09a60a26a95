"""The monthly ingest as a flow, against a real, temporary Prefect server."""

import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from prefect import get_client
from pydantic import SecretStr

from data_catalog.archive.reading import open_archive
from data_catalog.errors import ConfigurationError, InvalidDataError
from data_catalog.sources.remote_files import MOST_AT_ONCE
from pipelines.data import monthly_ingest
from pipelines.flows import monthly
from pipelines.flows.source_limits import LIMITS, USUAL_LIMIT, limit_name, source_slots
from pipelines.workspace.home import Home
from tests.pipelines.conftest import invented_weather, on_any_grid

pytestmark = pytest.mark.filterwarnings(
    # Prefect and its server's parts leave sockets, loops and files to the garbage collector.
    "ignore::ResourceWarning",
    "ignore::pytest.PytestUnraisableExceptionWarning",
    "ignore::pytest.PytestUnhandledThreadExceptionWarning",
    "ignore::DeprecationWarning",
)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    on_any_grid(monkeypatch, "speedy-5p6")
    return Home(tmp_path / "home")


@pytest.fixture
def weather(tmp_path: Path) -> Path:
    """A file for each of three months; a day is not there, and one of February has a pressure that cannot be."""
    days = invented_weather("2007-01-20", "2007-03-10").drop_sel(time=[np.datetime64("2007-01-25", "ns")])
    days["msl"].loc[{"time": "2007-02-10"}] = 5e6
    for month, part in days.groupby("time.month"):
        part.to_netcdf(tmp_path / f"weather_{month}.nc", engine="netcdf4")
    return tmp_path


def test_a_month_that_fails_stops_no_other_and_is_asked_for_again(server: None, place: Home, weather: Path) -> None:
    archive = place.archive("speedy-5p6")
    source = SecretStr(str(weather / "weather_*.nc"))
    with pytest.raises(InvalidDataError, match="msl at 2007-02-10"):
        monthly.months_flow("speedy-5p6", str(place.root), source=source)
    assert open_archive(archive).sizes["time"] == 11 + 10
    rows = _table()
    assert [(row["month"], row["added"], row["missing"]) for row in rows] == [
        ("2007-01", 11, 1), ("2007-02", 0, 28), ("2007-03 on", 10, 0),
    ]  # fmt: skip
    assert "2007-01-25T00:00Z: the source does not have it" in str(rows[0]["why"])
    assert "msl at 2007-02-10" in str(rows[1]["why"])
    with xr.open_dataset(weather / "weather_2.nc", engine="netcdf4") as found:
        days = found.load()
    days["msl"].loc[{"time": "2007-02-10"}] = 100500 + days["msl"].sel(time="2007-02-09") % 700
    (weather / "weather_2.nc").unlink()  # still open
    days.to_netcdf(weather / "weather_2.nc", engine="netcdf4")
    told = monthly.months_flow("speedy-5p6", str(place.root), start="2007-01-26", end="2007-03-10", source=source)
    assert told.startswith(f"{archive}: 28 times added, 16 known, 0 missing; 3 months, 2007-01 to 2007-03")
    with get_client(sync_client=True) as client:
        runs = client.read_flow_runs(limit=10)
        tasks = client.read_task_runs(limit=50)
        limit = client.read_global_concurrency_limit_by_name("plumecast-bundled")
    assert {run.name for run in runs} == {"speedy-5p6-first-latest", "speedy-5p6-2007-01-26-2007-03-10"}
    assert {run.parameters["source"] for run in runs} == {"**********"}
    names = [task.name for task in tasks]
    assert [names.count(f"ingest 2007-{month}") for month in ("01", "02", "03", "03 on")] == [2, 2, 1, 1]
    assert (limit.limit, limit.active_slots) == (USUAL_LIMIT, 0)


def test_a_wrong_request_stops_at_once(
    server: None, place: Home, weather: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []

    def full(_: object, month: object) -> None:
        asked.append(month)
        raise ConfigurationError("disk: expected room, found none")

    monkeypatch.setattr(monthly_ingest, "ingest_month", full)
    with pytest.raises(ConfigurationError, match="expected room"):
        monthly.months_flow("speedy-5p6", str(place.root), source=SecretStr(str(weather / "weather_*.nc")))
    assert len(asked) == 1


def test_a_source_takes_no_more_requests_than_its_limit(server: None) -> None:
    assert LIMITS["ecmwf-open-data"] <= 8
    name = limit_name("ecmwf-open-data")
    with get_client(sync_client=True) as client:
        with source_slots("ecmwf-open-data"):
            held = client.read_global_concurrency_limit_by_name(name)
            assert (held.limit, held.active_slots) == (8, MOST_AT_ONCE)
        assert client.read_global_concurrency_limit_by_name(name).active_slots == 0
        client.upsert_global_concurrency_limit_by_name(name, 3)
        with source_slots("ecmwf-open-data"):
            held = client.read_global_concurrency_limit_by_name(name)
            assert (held.limit, held.active_slots) == (3, 3)


def _table() -> list[dict[str, object]]:
    """The latest table of months."""
    with get_client(sync_client=True) as client:
        found = client._client.post("/artifacts/filter", json={"sort": "CREATED_DESC"}).json()
    (rows, *_) = [artifact["data"] for artifact in found if artifact["key"] == "speedy-5p6-months"]
    table = json.loads(rows) if isinstance(rows, str) else rows
    assert isinstance(table, list)
    return table
