import json

import pytest

from data_catalog.errors import InvalidDataError, MissingDataError
from forecast.products.files.manifest import (
    Contents,
    extend_manifest,
    file_hash,
    find_runs,
    is_complete,
    read_manifest,
    verify_manifest,
    write_manifest,
)
from forecast.products.files.runs import RunDirectory


@pytest.fixture
def run(tmp_path, synthetic):
    run = RunDirectory(tmp_path, "demo", synthetic.INIT_TIME)
    synthetic.write_forecast(run.forecast, channels=("t2m",))
    run.plots.mkdir()
    (run.plots / "map.png").write_bytes(b"picture")
    return run


def _publish(run, members=(0, 1, 2, 3)):
    return write_manifest(
        run, system_hash="s", model_id="m", data_hash="d", seeds={"0": "a", "1": "b"},
        expected=Contents(members=(0, 1, 2, 3), lead_hours=(24, 48)),
        delivered=Contents(members=members, lead_hours=(24, 48)),
    )  # fmt: skip


def test_a_run_exists_once_its_manifest_does(run, tmp_path):
    assert not is_complete(run.path)
    assert find_runs(tmp_path, "demo") == []
    with pytest.raises(MissingDataError, match=r"expected manifest\.json, found none"):
        verify_manifest(run.path)
    _publish(run)
    assert is_complete(run.path)
    manifest = verify_manifest(run.path)
    assert set(manifest.files) == {"demo_20080115T0000Z.nc", "plots/map.png"}
    assert manifest.files["plots/map.png"].size == 7
    assert manifest.delivered.members == (0, 1, 2, 3)
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
    with pytest.raises(InvalidDataError, match=r"expected members \[0, 1, 2, 3\], found \[0, 1, 3\]"):
        _publish(run, members=(0, 1, 3))
    assert not run.manifest.exists()


def test_an_incomplete_file_is_not_published(run):
    (run.path / ".report.html.partial").write_text("<")
    with pytest.raises(InvalidDataError, match="which is incomplete"):
        _publish(run)


def test_scores_are_added_to_a_finished_run(run):
    _publish(run)
    run.scores.write_text("{}")
    extend_manifest(run.path, [run.scores])
    assert "scores.json" in verify_manifest(run.path).files
    (run.plots / "map.png").unlink()
    with pytest.raises(InvalidDataError, match=r"plots/map\.png: expected this file of the manifest, found none"):
        extend_manifest(run.path, [run.scores])


LAST_RELEASE = """{
  "format": 1,
  "system": "demo",
  "init_time": "2008-01-15T00:00Z",
  "system_hash": "9f",
  "model_id": "0c",
  "data_hash": "77",
  "seeds": {
    "0": "a3",
    "1": "b4"
  },
  "expected": {
    "members": [
      0,
      1
    ],
    "lead_hours": [
      24
    ]
  },
  "delivered": {
    "members": [
      0,
      1
    ],
    "lead_hours": [
      24
    ]
  },
  "files": {
    "page.html": {
      "sha256": "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb",
      "size": 1
    }
  }
}
"""


def test_a_manifest_of_the_last_release_opens_and_is_written_the_same(run):
    run.manifest.write_text(LAST_RELEASE)
    (run.path / "page.html").write_text("a")
    manifest = verify_manifest(run.path)
    assert manifest.seeds == {"0": "a3", "1": "b4"}
    assert manifest.delivered == manifest.expected == Contents(members=(0, 1), lead_hours=(24,))
    extend_manifest(run.path, [run.path / "page.html"])
    assert run.manifest.read_text() == LAST_RELEASE


def _without(key):
    return json.dumps({name: value for name, value in json.loads(LAST_RELEASE).items() if name != key})


def _with(**changes):
    return json.dumps(json.loads(LAST_RELEASE) | changes)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "content: Invalid JSON"),
        ("[]", "content: "),
        ("{}", "format: expected a value, found none"),
        (_without("delivered"), "delivered: expected a value, found none"),
        (_with(format=2), "format: Input should be 1, found 2"),
        (_with(files=[]), "files: "),
        (_with(files={"a.nc": {"size": 1}}), "files.a.nc.sha256: expected a value"),
        (
            _with(delivered={"members": ["0"], "lead_hours": [24]}),
            "delivered.members.0: Input should be a valid integer",
        ),
        (_with(init_time="yesterday"), "init_time: "),
        (_with(weather="fine"), "unknown key 'weather'"),
    ],
)
def test_an_invalid_manifest_is_one_error_line(run, content, words):
    run.manifest.write_text(content)
    assert not is_complete(run.path)
    for read in (read_manifest, verify_manifest):
        with pytest.raises(InvalidDataError) as caught:
            read(run.path)
        assert str(run.manifest) in str(caught.value)
        assert words in str(caught.value)
        assert "\n" not in str(caught.value)


def test_a_manifest_without_files_is_refused(run):
    run.manifest.write_text(_with(files={}))
    assert not is_complete(run.path)
    with pytest.raises(InvalidDataError, match="expected files, found none"):
        verify_manifest(run.path)


def test_the_hash_of_a_file_is_its_sha256(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    assert file_hash(tmp_path / "a") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
