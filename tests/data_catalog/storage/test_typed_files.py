"""A file is read into a typed model, or refused in one line that names file and key."""

from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from data_catalog.errors import ConfigurationError
from data_catalog.storage.typed_files import faults_of_validation, read_toml


def test_toml_becomes_tables(tmp_path: Path) -> None:
    path = tmp_path / "gate.toml"
    path.write_text('colour = "red"\n[hinge]\nwidth_m = 3\n')
    assert read_toml(path, origin="gate") == {"colour": "red", "hinge": {"width_m": 3}}


@pytest.mark.parametrize(
    ("content", "message"), [(None, "a readable file"), (b"name = ", "TOML"), (b"name = '\xff'", "TOML")]
)
def test_other_files_are_refused(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "gate.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=rf"^gate file x: expected {message}, found "):
        read_toml(path, origin="gate file x")


class Gate(BaseModel):
    model_config = ConfigDict(extra="forbid")

    width_m: int
    colour: str


@pytest.mark.parametrize(
    ("content", "faults"),
    [
        ({"width_m": 3}, ["colour: expected a value, found none"]),
        ({"width_m": 3, "colour": "red", "hinge": 1}, ["unknown key 'hinge'"]),
        ({"width_m": "wide", "colour": "red"}, ["width_m: Input should be a valid integer", "found 'wide'"]),
        ({"width_m": "w" * 500, "colour": "red"}, ["found 'www", "w…"]),
        ([], ["gate: Input should be a valid dictionary"]),
    ],
)
def test_what_pydantic_found_is_one_short_line(content: object, faults: list[str]) -> None:
    with pytest.raises(ValidationError) as refused:
        Gate.model_validate(content)
    (line,) = faults_of_validation(refused.value, whole="gate")
    assert all(fault in line for fault in faults)
    assert "\n" not in line
    assert len(line) < 250


class Oak(BaseModel):
    model_config = ConfigDict(extra="forbid")

    kind: Literal["oak"] = "oak"
    height: float = 1.0


class Vine(BaseModel):
    model_config = ConfigDict(extra="forbid")

    kind: Literal["vine"] = "vine"
    heights: tuple[float, ...] = ()


class Garden(BaseModel):
    model_config = ConfigDict(extra="forbid")

    gates: tuple[Gate, ...] = ()
    plant: Annotated[Oak | Vine, Field(discriminator="kind")] | None = None


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ({"gate": []}, "unknown key 'gate' (did you mean 'gates'?)"),
        ({"weather": 1}, "unknown key 'weather'"),
        ({"gates": [{"width_m": 1, "colour": "red", "color": 1}]}, "'gates.0.color' (did you mean 'colour'?)"),
        ({"plant": {"kind": "oak", "heigth": 1}}, "unknown key 'plant.oak.heigth' (did you mean 'height'?)"),
        ({"plant": {"kind": "vine", "heigth": 1}}, "unknown key 'plant.vine.heigth' (did you mean 'heights'?)"),
    ],
)
def test_a_key_that_is_like_an_unknown_one_is_suggested(content: object, fault: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Garden.model_validate(content)
    (line,) = faults_of_validation(refused.value, model=Garden)
    assert line.endswith(fault)
