"""Forecasts start from good analyses, unless told otherwise."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from data_catalog.archive.ingest import ingest
from data_catalog.archive.ledger import Ledger
from data_catalog.archive.verdicts import record_of
from data_catalog.catalog import dataset
from data_catalog.errors import InvalidDataError
from data_catalog.quality.verdicts import Judgement, Suspicion
from data_catalog.sources.open_source import open_source
from forecast.products.files.proof import prove_run
from pipelines.runs.cycle import Cycle
from pipelines.runs.forecast import forecast_cycle
from pipelines.runs.inputs import quality_of
from pipelines.workspace.home import Home
from tests.pipelines.conftest import cycle_of

DAY = np.datetime64("2008-01-10", "ns")
CHANNELS = ("msl", "t2m")


@pytest.fixture
def cycle(place: Home, tiny: Path, weather_file: Path, monkeypatch: pytest.MonkeyPatch) -> Cycle:
    """A cycle from an archive in which the sea-level pressure of its start is suspect."""
    monkeypatch.setattr("pipelines.runs.forecast.draw_run", lambda *_: [])
    entry = dataset("speedy-5p6")
    archive = place.archive(entry.name)
    ingest(entry, open_source(entry, str(weather_file)), archive)
    ledger = Ledger.read(archive)
    times = np.arange("2008-01-08", "2008-01-20", dtype="datetime64[D]").astype("datetime64[ns]")
    ledger.judge(record_of(Judgement(times, (Suspicion(DAY, "msl", "repeats a day"),), {}, {})))
    return cycle_of(place, tiny, "2008-01-10", analysis=archive)


def test_a_suspect_start_is_refused_unless_it_is_allowed(cycle: Cycle) -> None:
    suspect = "suspect: msl at 2008-01-10T00:00Z: repeats a day"
    with pytest.raises(InvalidDataError, match=f"2008-01-10T00:00Z: expected a good analysis, found {suspect}"):
        forecast_cycle(cycle)
    run = forecast_cycle(replace(cycle, allow_suspect=True))
    assert prove_run(run).analysis_quality == suspect


def test_a_good_start_is_said_in_the_manifest(cycle: Cycle) -> None:
    later = replace(cycle, init_time=np.datetime64("2008-01-15", "ns"))
    assert prove_run(forecast_cycle(later)).analysis_quality == "good"


def test_only_what_the_members_start_from_counts(cycle: Cycle, weather_file: Path) -> None:
    assert quality_of(cycle.analysis, np.array([DAY]), ("t2m",)) == "good"
    assert quality_of(cycle.analysis, np.array([DAY + np.timedelta64(1, "D")]), CHANNELS) == "good"
    assert quality_of(cycle.analysis, np.array([DAY]), CHANNELS).startswith("suspect")
    assert quality_of(weather_file, np.array([DAY]), CHANNELS) == "not judged"
