"""A failed cycle is told through a notification block of Prefect, late data only once it is late."""

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from prefect.blocks.abstract import NotificationBlock
from prefect.blocks.system import Secret

from data_catalog import clock
from data_catalog.errors import ConfigurationError, InvalidDataError, MissingDataError
from pipelines.flows.notifying import notified, notify
from pipelines.operations.cycle_ledger import Plan
from pipelines.operations.cycles import SystemCycles
from pipelines.workspace.home import Home
from pipelines.workspace.systems import find_system

pytestmark = pytest.mark.filterwarnings(
    "ignore::ResourceWarning",
    "ignore::pytest.PytestUnraisableExceptionWarning",
    "ignore::DeprecationWarning",
    "ignore::UserWarning",
)


class Pigeonhole(NotificationBlock):
    """Keeps what it is told in a file."""

    path: str

    async def notify(self, body: str, subject: str | None = None) -> None:
        with Path(self.path).open("a", encoding="utf-8") as file:
            file.write(json.dumps([subject, body]) + "\n")


@pytest.fixture
def told(server: None, tmp_path: Path) -> Path:
    path = tmp_path / "told.jsonl"
    Pigeonhole(path=str(path)).save("on-call", overwrite=True)
    return path


def cycles_of(place: Home, tiny: Path, tmp_path: Path, document: str = "pigeonhole/on-call") -> SystemCycles:
    """Cycles of a system that names a block."""
    path = tmp_path / "telling.toml"
    path.write_text(f'{tiny.read_text()}\n[announce]\nnotify = "{document}"\n')
    return SystemCycles(place, find_system(str(path)))


def test_a_failed_cycle_is_told(told: Path, place: Home, tiny: Path, tmp_path: Path) -> None:
    cycles, init = cycles_of(place, tiny, tmp_path), np.datetime64("2008-01-01", "ns")
    with (
        pytest.raises(InvalidDataError),
        notified(cycles),
        cycles.recorded(init, asked=True),
    ):
        raise InvalidDataError("t2m: expected 200 to 340 K, found 900, of https://me:secret@host/x")
    subject, body = json.loads(told.read_text())
    assert subject == "tiny: a cycle failed"
    first, second = body.splitlines()
    assert first == "t2m: expected 200 to 340 K, found 900, of https://host/x"
    assert second.startswith("2008-01-01T00:00Z failed: t2m")


def test_late_data_is_told_once_it_is_late(told: Path, place: Home, tiny: Path, tmp_path: Path) -> None:
    cycles, first = cycles_of(place, tiny, tmp_path), np.datetime64("2008-01-01", "ns")
    cycles.ledger().append(Plan(system="tiny", first=first, every_hours=24, wait_hours=6, clock="wall"))
    limit = first + np.timedelta64(6, "h")
    cycles.ledger().record([first], "waiting", "no file", deadlines={first: limit})
    for hour in (3, 20):
        at = datetime(2008, 1, 1, hour, tzinfo=UTC)
        with clock.other_clock(lambda at=at: at), pytest.raises(MissingDataError), notified(cycles):
            raise MissingDataError("not there yet")
    (line,) = told.read_text().splitlines()  # nothing at 3 UTC
    assert json.loads(line) == [
        "tiny: data is late",
        "not there yet\n2008-01-01T00:00Z late: due until 2008-01-01T06:00Z; no file",
    ]


@pytest.mark.parametrize(
    ("document", "words"), [("pigeonhole/nobody", "found none"), ("secret/word", "found a Secret")]
)
def test_a_block_that_is_none_fails_no_cycle(
    told: Path, place: Home, tiny: Path, tmp_path: Path, document: str, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    Secret(value="x").save("word", overwrite=True)
    with pytest.raises(InvalidDataError, match="wrong"), notified(cycles_of(place, tiny, tmp_path, document)):
        raise InvalidDataError("wrong")
    assert words in caplog.text
    with pytest.raises(ConfigurationError, match=words):
        notify(document, "a", "b")
