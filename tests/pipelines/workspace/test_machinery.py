"""Home, progress, Prefect's settings, doctor."""

import logging
import os
from pathlib import Path

import pytest

from data_catalog.errors import ConfigurationError
from pipelines.cli.doctor import Finding, examine, print_findings
from pipelines.flows.environment import configured_address, has_own_prefect, prepare_prefect
from pipelines.terminal import progress as progress_module
from pipelines.terminal.progress import progress, spoken
from pipelines.workspace.checkpoints import find_checkpoint
from pipelines.workspace.devices import choose_device
from pipelines.workspace.home import Home, home
from pipelines.workspace.systems import find_system, servable_systems, system_names


def test_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("PLUMECAST_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    assert home().root == tmp_path / "plumecast-data"
    monkeypatch.setenv("PLUMECAST_HOME", str(tmp_path / "elsewhere"))
    assert home().archive("a") == tmp_path / "elsewhere" / "archives" / "a.zarr"
    assert home(Path("given")).root == tmp_path / "given"


def test_systems(place: Home, tmp_path: Path) -> None:
    assert {"era5-0p25", "era5-1p5", "era5-5p6", "ncep-natlantic", "speedy-5p6"} == set(system_names())
    for name in system_names():
        assert find_system(name).name == name
    with pytest.raises(ConfigurationError, match="expected one of era5-0p25, era5-1p5, era5-5p6"):
        find_system(str(tmp_path))
    assert "era5-5p6" not in servable_systems(place)


def test_own_checkpoint_comes_first(place: Home, tiny: Path) -> None:
    system = find_system(str(tiny))
    assert find_checkpoint(place, system) == place.checkpoint("tiny")
    with pytest.raises(ConfigurationError, match="train one with 'plumecast train tiny'"):
        find_checkpoint(Home(place.root / "empty"), system)


def test_lines_with_rates(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(progress_module, "SECONDS_BETWEEN_LINES", 0.0)
    with caplog.at_level(logging.INFO, "plumecast"), progress("Ingest", 10, "times") as advance:
        advance(5, "half")
        advance(10)
    lines = [record.getMessage() for record in caplog.records]
    assert lines[0] == "Ingest: 10 times"
    assert lines[1].startswith("Ingest: 5/10 times, ")
    assert lines[1].endswith("; half")
    assert lines[-1].startswith("Ingest: done, 10 times in ")


def test_bar(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    with progress("Ingest", 10, "times") as advance:
        advance(10, "whole")
    assert "10/10" in capsys.readouterr().err


def test_spans() -> None:
    assert [spoken(seconds) for seconds in (4.4, 200, 7500)] == ["4 s", "3 min 20 s", "2 h 5 min"]


def test_prefect_lives_in_the_home_unless_the_user_has_one(
    place: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in [name for name in os.environ if name.startswith("PREFECT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    environment = dict(os.environ)
    monkeypatch.setattr(os, "environ", environment)
    assert not has_own_prefect()
    prepare_prefect(place)
    assert environment["PREFECT_HOME"] == str(place.prefect)
    assert place.prefect.is_dir()
    assert environment["PREFECT_SERVER_ANALYTICS_ENABLED"] == "false"
    del environment["PREFECT_HOME"]
    (tmp_path / ".prefect").mkdir()
    profiles = "active = 'x'\n[profiles.x]\nPREFECT_API_URL = 'http://there/api'\n"
    (tmp_path / ".prefect" / "profiles.toml").write_text(profiles)
    prepare_prefect(place)
    assert "PREFECT_HOME" not in environment
    assert configured_address() == "http://there/api"


def test_devices() -> None:
    assert choose_device("cpu") == "cpu"
    assert choose_device("auto") in ("cpu", "cuda")
    with pytest.raises(ConfigurationError, match="cuda:99"):
        choose_device("cuda:99")


def test_doctor_says_what_to_do(
    place: Home, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert print_findings([Finding("warn", "a", "b", "c")])
    assert not print_findings([Finding("missing", "a", "b", "do c")])
    assert "-> do c" in capsys.readouterr().out
    monkeypatch.setattr("pipelines.cli.doctor._torch", lambda: 1 / 0)
    broken = [finding for finding in examine(place) if finding.subject == "torch"]
    assert [finding.verdict for finding in broken] == ["missing"]
    place.archive("speedy-5p6").mkdir(parents=True)
    states = {finding.subject: finding for finding in examine(place)}
    assert states["archive speedy-5p6"].verdict == "warn"
