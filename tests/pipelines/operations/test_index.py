"""The static page and the JSON beside the runs show what the status shows."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.cli.app import main
from pipelines.operations import index
from pipelines.operations.cycle_ledger import CycleLedger
from pipelines.operations.index import write_index
from pipelines.operations.status import status_json, status_of
from pipelines.operations.steering import hold_system
from pipelines.workspace.home import Home
from tests.pipelines.operations.conftest import add_run, days, time

Begin = Callable[..., CycleLedger]


def test_the_page_shows_what_the_status_shows(
    begin: Begin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    place = Home(tmp_path)
    run = add_run(place.runs, "2008-01-01")
    run.report.write_text("a page")
    begin("data").record([time("2008-01-02")], "failed", "t2m: expected 200 to 340 K, found 900")
    hold_system(place, "tiny", held=True, reason="a new disk")
    page = write_index(place).read_text()
    assert page.index("found 900") < page.index('href="tiny/20080101T0000Z/report.html"')
    assert "1 failed, 1 published; held since" in page
    assert json.loads((place.runs / "index.json").read_text()) == json.loads(status_json(status_of(place, [])))
    run.report.unlink()
    monkeypatch.setenv("PLUMECAST_HOME", str(tmp_path))
    assert main(["status", "--page"]) == 0
    assert capsys.readouterr().out == f"Page: {place.runs / 'index.html'}\n"
    assert "report.html" not in (place.runs / "index.html").read_text()


def test_a_long_list_is_cut_and_says_so(begin: Begin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "SHOWN", 3)
    begin("data").record(list(days("2008-01-01", 5)), "published")
    page = write_index(Home(tmp_path)).read_text()
    assert page.count("<td>published</td>") == 3
    assert "And 2 earlier ones" in page
    assert len(json.loads((tmp_path / "runs" / "index.json").read_text())["systems"]["tiny"]["cycles"]) == 5
