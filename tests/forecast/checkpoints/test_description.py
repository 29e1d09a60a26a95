"""The description of a checkpoint is read as typed values, or refused with the place of the error."""

import json
from importlib.resources import files
from pathlib import Path

import pytest

from data_catalog.errors import ConfigurationError, InvalidDataError
from forecast.checkpoints.description import read_description, write_description

SHIPPED = Path(str(files("forecast") / "pretrained" / "ncep-natlantic"))


@pytest.fixture
def content():
    return json.loads((SHIPPED / "model.json").read_text())


def test_a_description_round_trips(content, tmp_path):
    write_description(tmp_path, content)
    found = read_description(tmp_path)
    assert found.content == content
    assert found.system == content["system"]
    assert list(found.latitude) == content["latitude"]
    assert found.climatology.attrs == content["climatology"]["attrs"]
    assert found.training.dataset == "ncep-natlantic"
    assert found.weights_sha256 == content["weights_sha256"]


def test_a_missing_description_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match=r"expected model.json, found No such file"):
        read_description(tmp_path)


@pytest.mark.parametrize("text", ["{", "[" * 100_000], ids=["cut off", "nested too deep"])
def test_damaged_description(tmp_path, text):
    (tmp_path / "model.json").write_text(text)
    with pytest.raises(InvalidDataError, match="expected JSON"):
        read_description(tmp_path)


@pytest.mark.parametrize("name", ["system", "climatology", "training", "weights_sha256"])
def test_an_incomplete_description_is_refused(content, tmp_path, name):
    del content[name]
    write_description(tmp_path, content)
    with pytest.raises(InvalidDataError, match=f"model.json: expected {name}, found none"):
        read_description(tmp_path)


def test_a_description_of_a_later_release(content, tmp_path):
    write_description(tmp_path, content | {"format_version": 99})
    with pytest.raises(ConfigurationError, match=r"expected format_version \(1, 2, 3\), found 99"):
        read_description(tmp_path)
    write_description(tmp_path, content | {"training": content["training"] | {"record_version": 2}})
    with pytest.raises(ConfigurationError, match=r"expected training.record_version 1, found 2"):
        read_description(tmp_path)


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"latitude": "north"}, "latitude"),
        ({"climatology": {"dims": ["hour"], "coords": {}}}, "climatology.attrs"),
        ({"training": {"dataset": "tiny"}}, "training.first_analysis"),
    ],
)
def test_a_value_of_the_wrong_type_is_named(content, tmp_path, changes, place):
    write_description(tmp_path, content | changes)
    with pytest.raises(InvalidDataError, match=rf"model.json: {place}: "):
        read_description(tmp_path)
