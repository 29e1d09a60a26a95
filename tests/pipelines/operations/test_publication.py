"""The published runs of a system are brought to where it publishes, and what no reader can need there is swept."""

import json
from datetime import timedelta
from itertools import repeat
from pathlib import Path

import pytest

from data_catalog.errors import ConfigurationError, MissingDataError
from data_catalog.storage.folders import folder_at
from forecast.products.files.manifest import extend_manifest
from forecast.system.system import System
from pipelines.cli.app import main
from pipelines.operations import publication
from pipelines.operations.publication import copy_by_hand, copy_missing, destination, sweep_stored
from tests.object_storage.server import SECRET
from tests.pipelines.operations.conftest import add_run


def publishing_to(system: System, url: str) -> System:
    return system.changed(publish={"to": url})


def cycles_at(url: str) -> list[str]:
    names = [stored.name for stored in destination(url).listing("tiny")]
    return sorted({name.split("/")[1] for name in names if name.endswith("Z/manifest.json")})


def test_all_that_is_missing_is_copied(system: System, tmp_path: Path, bucket: str) -> None:
    url, runs = f"{bucket}/forecasts", tmp_path / "runs"
    assert copy_missing(system, runs) == 0  # it publishes nowhere
    copying = publishing_to(system, url)
    assert copy_missing(copying, runs) == 0
    for day in ("2008-01-01", "2008-01-02", "2008-01-03"):
        add_run(runs, day)
    assert copy_missing(copying, runs) == 3
    assert copy_missing(copying, runs) == 0
    run = add_run(runs, "2008-01-04")
    extend_manifest(runs / "tiny" / "20080102T0000Z", [])  # nothing has changed
    assert copy_missing(copying, runs) == 1
    run.scores.write_bytes(b"scores")
    extend_manifest(run.path, [run.scores])
    assert copy_missing(copying, runs) == 1
    assert cycles_at(url) == ["20080101T0000Z", "20080102T0000Z", "20080103T0000Z", "20080104T0000Z"]
    named = destination(url).read("tiny/latest.json")
    assert named is not None
    assert json.loads(named.body)["run"] == "20080104T0000Z"


def test_a_directory_is_a_place_too(system: System, tmp_path: Path) -> None:
    add_run(tmp_path / "runs", "2008-01-01")
    url = f"file://{tmp_path}/published"
    assert copy_missing(publishing_to(system, url), tmp_path / "runs") == 1
    assert cycles_at(url) == ["20080101T0000Z"]


def test_a_store_that_is_down_leaves_the_runs_for_later(
    system: System, tmp_path: Path, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, copying = add_run(tmp_path / "runs", "2008-01-01"), publishing_to(system, f"{bucket}/forecasts")
    with monkeypatch.context() as down:
        down.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
        down.setenv("PLUMECAST_PATIENCE", "0.1")
        down.setattr("data_catalog.storage.patience.Patience.waits", lambda self: repeat(0.01))
        with pytest.raises(MissingDataError, match=f"^{bucket}/forecasts/tiny: expected an answer, found a refused"):
            copy_missing(copying, tmp_path / "runs")
    assert run.manifest.exists()
    assert copy_missing(copying, tmp_path / "runs") == 1


def test_generations_that_no_manifest_names_are_swept_after_a_day(
    system: System, tmp_path: Path, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    copying, folder = publishing_to(system, f"{bucket}/forecasts"), folder_at(f"{bucket}/forecasts")
    run = add_run(tmp_path / "runs", "2008-01-01")
    copy_missing(copying, tmp_path / "runs")
    run.scores.write_bytes(b"scores")
    extend_manifest(run.path, [run.scores])
    copy_missing(copying, tmp_path / "runs")
    folder.write("tiny/20080102T0000Z/0123456789abcdef/plots/a.png", b"of a killed copy")
    folder.write("tiny/notes.txt", b"somebody's own")
    everything = folder.listing()
    assert sweep_stored(folder, everything) == 0
    monkeypatch.setattr(publication, "KEPT", timedelta(seconds=-1))
    assert sweep_stored(folder, everything) == 3
    left = [stored.name.rpartition("/")[2] for stored in folder.listing()]
    assert sorted(left) == [
        "latest.json", "manifest.json", "manifest.json", "notes.txt", "scores.json", "tiny_20080101T0000Z.nc",
    ]  # fmt: skip
    assert copy_missing(copying, tmp_path / "runs") == 0


def test_copying_by_hand(tmp_path: Path, bucket: str, capsys: pytest.CaptureFixture[str]) -> None:
    run, url = add_run(tmp_path / "runs", "2008-01-01"), f"{bucket}/forecasts"
    assert main(["publish", str(run.path), "--to", url]) == 0
    assert main(["publish", str(run.path), "--to", url]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{run.path}: copied to {url}/tiny/20080101T0000Z",
        f"{run.path}: is already at {url}/tiny/20080101T0000Z",
    ]
    assert main(["publish", str(run.path)]) == 2
    assert "expected --to URL, or --system SYSTEM with [publish] to, found neither" in capsys.readouterr().err
    assert main(["publish", str(run.path), "--system", "speedy-5p6"]) == 2
    assert main(["publish", str(tmp_path), "--to", url]) == 2
    assert "expected a run directory" in capsys.readouterr().err


def test_a_stored_run_is_checked(
    forecast_home: Path, bucket: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run, url = forecast_home / "runs" / "speedy-5p6" / "20080105T0000Z", f"{bucket}/forecasts"
    assert main(["publish", str(run), "--to", url]) == 0
    stored = f"{url}/speedy-5p6/20080105T0000Z"
    assert main(["check", stored, str(run)]) == 0
    assert f"{stored}: as published, 3 members to 48 h" in capsys.readouterr().out
    folder = folder_at(stored)
    page = next(each for each in folder.listing() if each.name.endswith("report.html"))
    folder.write(page.name, b"other")
    assert main(["check", stored, str(run)]) == 2
    captured = capsys.readouterr()
    assert f"run {stored}, report.html: changed since it was published" in captured.out
    assert "expected 2 runs as published, found 1 that are not" in captured.err
    assert SECRET not in captured.out + captured.err


def test_other_places_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="publish: expected s3://BUCKET/PREFIX"):
        list(copy_by_hand([tmp_path], "forecasts"))
    with pytest.raises(ConfigurationError, match="credentials come from the environment"):
        destination("s3://key:secret@bucket/a")
