"""The doctor finds problems, names remedies, and works without optional parts."""

import importlib.metadata
import json
import re
import sys
from dataclasses import asdict

import pytest

from pipelines.cli.app import main
from pipelines.cli.doctor import Finding, examine, nothing_broken, print_findings
from pipelines.workspace.home import Home


def findings_of(place: Home) -> dict[str, Finding]:
    return {finding.subject: finding for finding in examine(place)}


def test_a_whole_installation(place: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 0
    out = capsys.readouterr().out
    for subject in ("python", "torch", "memory", "coastlines", "prefect", "eccodes", "archive ncep-natlantic"):
        assert subject in out
    assert not re.search(r"^(missing|broken)", out, re.MULTILINE)


def test_broken_parts_determine_the_status(monkeypatch: pytest.MonkeyPatch) -> None:
    assert nothing_broken([Finding("warn", "a", "b", "c"), Finding("missing", "a", "b", "c")])
    monkeypatch.setattr("pipelines.cli.doctor.examine", lambda _: [Finding("broken", "a", "b", "do c")])
    assert main(["doctor"]) == 2


def test_findings_for_people_and_for_programs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    finding = Finding("warn", "a", "b", "do c")
    print_findings([finding])
    assert "-> do c" in capsys.readouterr().out
    monkeypatch.setattr("pipelines.cli.doctor.examine", lambda _: [finding])
    assert main(["doctor", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == [asdict(finding)]


def test_costs_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "speedy-5p6", "--json"]) == 0
    costs = json.loads(capsys.readouterr().out)
    assert costs["speedy-5p6"]["grid, channels"].startswith("32 x 64")
    assert main(["doctor", "speedy-5p6", "--json", "--gpu", "h100"]) == 2


def test_parts_that_are_missing(place: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setitem(sys.modules, "prefect", None)
    found = findings_of(place)
    assert found["torch"].verdict == found["prefect"].verdict == "missing"
    assert "needed for demo, train, forecast" in found["torch"].found
    assert found["torch"].remedy == "pip install 'plumecast[model]'"
    assert found["prefect"].remedy == "pip install 'plumecast[flows]'"
    assert not [finding for finding in found.values() if finding.verdict == "broken"]


def test_versions_are_those_that_the_package_asks_for(place: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = ["torch>=99.5; extra == 'model'", "prefect<4,>=3.4; extra == 'flows'"]
    monkeypatch.setattr(importlib.metadata, "requires", lambda _: asked)
    found = findings_of(place)
    assert found["torch"].verdict == "warn"
    assert "expected >=99.5" in found["torch"].found
    assert found["torch"].remedy == "pip install 'torch>=99.5'"
    assert found["prefect"].verdict == "ok"
    monkeypatch.setitem(sys.modules, "torch", None)
    assert "not installed, expected torch>=99.5" in findings_of(place)["torch"].found


def test_a_failing_check_is_reported(place: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(_: str) -> str:
        raise RuntimeError("damaged metadata")

    monkeypatch.setattr(importlib.metadata, "version", failing)
    found = findings_of(place)["torch"]
    assert (found.verdict, found.found) == ("broken", "RuntimeError: damaged metadata")


def test_a_damaged_archive_is_named(place: Home) -> None:
    assert findings_of(place)["archive speedy-5p6"].verdict == "ok"
    place.archive("speedy-5p6").mkdir(parents=True)
    found = findings_of(place)["archive speedy-5p6"]
    assert (found.verdict, found.remedy) == ("warn", "plumecast ingest speedy-5p6")
