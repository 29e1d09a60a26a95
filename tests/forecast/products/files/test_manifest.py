import json

import numpy as np
import pytest

from data_catalog.errors import InvalidDataError, MissingDataError
from forecast.products.files.manifest import (
    extend_manifest,
    find_runs,
    is_complete,
    read_manifest,
    verify_manifest,
    write_manifest,
)
from forecast.products.files.runs import RunDirectory
from forecast.system.cycles import cycle_name, parse_cycle_name


@pytest.fixture
def run(tmp_path, synthetic):
    run = RunDirectory(tmp_path, "demo", synthetic.INIT_TIME)
    synthetic.write_forecast(run.forecast, channels=("t2m",))
    run.plots.mkdir()
    (run.plots / "map.png").write_bytes(b"picture")
    return run


def _publish(run, delivered=4):
    return write_manifest(
        run.path, system_name="demo", system_hash="s", model_id="m", data_hash="d", init_time=run.init_time,
        seeds=["1", "2"], expected={"members": 4}, delivered={"members": delivered},
    )  # fmt: skip


def test_names_follow_the_cycle(run):
    assert run.path.name == cycle_name(run.init_time) == "20080115T0000Z"
    assert run.forecast.name == "demo_20080115T0000Z.nc"
    assert run.products.name == "demo_20080115T0000Z_products.nc"
    assert parse_cycle_name("20080115T0600Z") == np.datetime64("2008-01-15T06:00")
    assert RunDirectory.at(run.path).forecast == run.forecast.resolve()
    for bad in ("20081315T0000Z", "yesterday"):
        with pytest.raises(InvalidDataError):
            parse_cycle_name(bad)


def test_a_run_exists_once_its_manifest_does(run, tmp_path):
    assert not is_complete(run.path)
    assert find_runs(tmp_path, "demo") == []
    with pytest.raises(MissingDataError, match="not finished"):
        verify_manifest(run.path)
    _publish(run)
    assert is_complete(run.path)
    content = verify_manifest(run.path)
    assert set(content["files"]) == {"demo_20080115T0000Z.nc", "plots/map.png"}
    assert content["files"]["plots/map.png"]["size"] == 7
    assert [found.path for found in find_runs(tmp_path, "demo")] == [run.path.resolve()]


def test_a_flipped_bit_is_named(run):
    _publish(run)
    data = bytearray(run.forecast.read_bytes())
    data[len(data) // 2] ^= 4
    run.forecast.write_bytes(data)
    assert is_complete(run.path)
    with pytest.raises(InvalidDataError, match=r"demo_20080115T0000Z\.nc: changed"):
        verify_manifest(run.path)


@pytest.mark.parametrize("fault", ["shorter", "gone"])
def test_a_missing_or_truncated_file_is_named(run, fault):
    _publish(run)
    picture = run.plots / "map.png"
    if fault == "gone":
        picture.unlink()
    else:
        picture.write_bytes(b"pic")
    assert not is_complete(run.path)
    with pytest.raises(InvalidDataError, match=r"plots/map\.png"):
        verify_manifest(run.path)


def test_less_than_expected_is_not_published(run):
    with pytest.raises(InvalidDataError, match="expected members 4, delivered 3"):
        _publish(run, delivered=3)
    assert not run.manifest.exists()


def test_a_half_written_file_is_not_published(run):
    (run.path / ".report.html.partial").write_text("<")
    with pytest.raises(InvalidDataError, match="half written"):
        _publish(run)


def test_scores_join_a_finished_run(run):
    _publish(run)
    run.scores.write_text("{}")
    extend_manifest(run.path, [run.scores])
    assert "scores.json" in verify_manifest(run.path)["files"]
    (run.plots / "map.png").unlink()
    with pytest.raises(InvalidDataError, match="not there"):
        extend_manifest(run.path, [run.scores])


@pytest.mark.parametrize("content", ["", "[]", "{}", json.dumps({"format": 1, "files": {}})])
def test_a_manifest_of_nothing_verifies_nothing(run, content):
    run.manifest.write_text(content)
    assert not is_complete(run.path)
    with pytest.raises(InvalidDataError):
        verify_manifest(run.path)
    if "files" not in content:
        with pytest.raises(InvalidDataError):
            read_manifest(run.path)
