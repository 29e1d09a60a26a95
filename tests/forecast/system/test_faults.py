"""An error about an argument becomes an error about the key that it comes from."""

import pytest
from pydantic import ValidationError

from data_catalog.errors import ConfigurationError, InvalidDataError
from forecast.system.faults import faults_of_section, faults_of_validation
from forecast.system.section import Section


def test_the_key_is_named_after_system_and_section():
    with (
        pytest.raises(ConfigurationError, match=r"^system tiny: network\.window: expected 4, found 5$"),
        faults_of_section("tiny", "network"),
    ):
        raise ValueError("window: expected 4, found 5")


def test_other_faults_stay_what_they_are():
    with pytest.raises(InvalidDataError, match=r"^z500: missing$"), faults_of_section("tiny", "network"):
        raise InvalidDataError("z500: missing")


class Gate(Section):
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
