"""A run is copied to object storage whole, once, and again when it was published again."""

import json
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from data_catalog.errors import InvalidDataError, MissingDataError
from data_catalog.storage.folder import Folder
from data_catalog.storage.folders import folder_at
from forecast.products.files.manifest import Contents, extend_manifest, write_manifest
from forecast.products.files.runs import RunDirectory
from forecast.products.files.stored_runs import generation_of
from pipelines.runs.copying import RunCopy, copy_run

NAMES = ["plots/map.png", "report.html", "tiny_20080110T0000Z.nc"]


def publish(runs: Path, day: str = "2008-01-10") -> RunDirectory:
    run = RunDirectory(runs, "tiny", np.datetime64(day, "ns"))
    run.plots.mkdir(parents=True)
    run.forecast.write_bytes(b"members")
    run.report.write_bytes(b"page")
    (run.plots / "map.png").write_bytes(b"picture")
    kept = Contents(members=(0,), lead_hours=(24,))
    write_manifest(run, system_hash="a", model_id="b", data_hash="c", seeds={"0": "0"}, expected=kept, delivered=kept)
    return run


def publish_again(run: RunDirectory) -> None:
    run.report.write_bytes(b"page with scores")
    run.scores.write_bytes(b"scores")
    extend_manifest(run.path, [run.report, run.scores])


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return publish(tmp_path / "runs")


@pytest.fixture(params=["disk", "s3"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Folder:
    if request.param == "disk":
        return folder_at(tmp_path / "stored")
    return folder_at(f"{request.getfixturevalue('bucket')}/forecasts")


def files_of(folder: Folder, run: RunDirectory) -> dict[str, bytes | None]:
    """The files of a run as a reader finds them, by way of its manifest."""
    place = f"tiny/{run.path.name}"
    manifest = folder.read(f"{place}/manifest.json")
    assert manifest is not None
    names = json.loads(manifest.body)["files"]
    found = {name: folder.read(f"{place}/{generation_of(manifest.body)}/{name}") for name in names}
    return {name: None if content is None else content.body for name, content in found.items()}


def latest(folder: Folder) -> dict[str, str]:
    content = folder.read("tiny/latest.json")
    assert content is not None
    named: dict[str, str] = json.loads(content.body)
    return named


def changes(folder: Folder) -> dict[str, datetime]:
    return {stored.name: stored.changed for stored in folder.listing()}


def test_a_run_is_copied_once(folder: Folder, run: RunDirectory) -> None:
    assert copy_run(folder, run)
    assert files_of(folder, run) == {name: (run.path / name).read_bytes() for name in NAMES}
    assert latest(folder)["run"] == "20080110T0000Z"
    before = changes(folder)
    assert not copy_run(folder, run)
    assert changes(folder) == before


def test_a_run_is_copied_again_when_it_was_published_again(
    folder: Folder, run: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy_run(folder, run)
    first = latest(folder)["files"]
    publish_again(run)
    sent: list[str] = []
    write = type(folder).write

    def noted(self: Folder, name: str, content: bytes | Path) -> None:
        sent.append(name.rpartition("/")[2])
        write(self, name, content)

    if not isinstance(folder, type(folder_at(run.path))):  # on disk, a copy is a write
        monkeypatch.setattr(type(folder), "write", noted)
        assert copy_run(folder, run)
        assert sorted(sent) == ["manifest.json", "report.html", "scores.json"]
    copy_run(folder, run)
    assert files_of(folder, run) == {name: (run.path / name).read_bytes() for name in [*NAMES, "scores.json"]}
    assert latest(folder)["files"] != first
    assert folder.read(f"tiny/{first}/report.html") is not None, "for a reader who has the manifest of before"


def test_an_older_run_does_not_become_the_latest(folder: Folder, run: RunDirectory) -> None:
    copy_run(folder, run)
    older = publish(run.root, "2008-01-09")
    assert copy_run(folder, older)
    assert latest(folder)["run"] == "20080110T0000Z"
    assert files_of(folder, older)["report.html"] == b"page"


@pytest.mark.parametrize("damage", [b"pix", b"pixture"])
def test_what_a_killed_copy_left_is_proven_not_trusted(folder: Folder, run: RunDirectory, damage: bytes) -> None:
    left = f"tiny/20080110T0000Z/{generation_of(run.manifest.read_bytes())}/plots/map.png"
    folder.write(left, damage)
    assert copy_run(folder, run)
    assert files_of(folder, run)["plots/map.png"] == b"picture"


def test_what_was_lost_from_a_published_copy_is_copied_again(folder: Folder, run: RunDirectory) -> None:
    copy_run(folder, run)
    folder.delete([f"tiny/{latest(folder)['files']}/report.html", "tiny/latest.json"])
    assert copy_run(folder, run)
    assert files_of(folder, run)["report.html"] == b"page"
    assert latest(folder)["run"] == "20080110T0000Z"


def test_a_damaged_run_is_not_copied(folder: Folder, run: RunDirectory) -> None:
    run.report.write_bytes(b"gape")
    with pytest.raises(InvalidDataError, match=r"report\.html: changed since it was published, expected sha256"):
        copy_run(folder, run)
    assert folder.read("tiny/20080110T0000Z/manifest.json") is None


def test_a_run_without_a_manifest_is_not_copied(folder: Folder, run: RunDirectory) -> None:
    run.manifest.unlink()
    with pytest.raises(MissingDataError, match="the run is not finished"):
        copy_run(folder, run)


def test_a_run_that_is_published_again_meanwhile_is_copied_as_it_is_then(
    folder: Folder, run: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    send, republished = RunCopy.send_files, list[bool]()

    def overtaken(copy: RunCopy) -> bool:
        if not republished:
            republished.append(True)
            publish_again(run)
        return send(copy)

    monkeypatch.setattr(RunCopy, "send_files", overtaken)
    assert copy_run(folder, run)
    assert files_of(folder, run)["scores.json"] == b"scores"


def test_of_two_copies_of_different_generations_the_run_on_disk_wins(folder: Folder, run: RunDirectory) -> None:
    slow = RunCopy(folder, run, run.manifest.read_bytes())
    slow.send_files()
    publish_again(run)
    copy_run(folder, run)
    assert not slow.publish(), "it was overtaken"
    assert files_of(folder, run)["scores.json"] == b"scores"


def test_bytes_that_change_on_the_way_are_sent_again(
    folder: Folder, run: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, spoilt = type(folder).write, list[str]()

    def spoiling(self: Folder, name: str, content: bytes | Path) -> None:
        first = name.endswith("map.png") and not spoilt
        if first:
            spoilt.append(name)
        write(self, name, b"pixture" if first else content)

    monkeypatch.setattr(type(folder), "write", spoiling)
    assert copy_run(folder, run)
    assert spoilt
    assert files_of(folder, run)["plots/map.png"] == b"picture"
