"""A system file is read completely, or refused in one line that names every error."""

import pytest

from data_catalog.errors import ConfigurationError
from forecast.system.reading import parse_system, read_system


def content(system, **changes):
    return system.model_dump(mode="json") | changes


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="expected a readable file, found No such file"):
        read_system(tmp_path / "absent.toml")


def test_a_file_that_is_not_toml_is_refused(tmp_path):
    path = tmp_path / "x.toml"
    path.write_text("name = ")
    with pytest.raises(ConfigurationError, match="expected TOML"):
        read_system(path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"colour": "red"}, "unknown key 'colour'"),
        ({"state": {"predictands": ["z500"], "steps": 1}}, "unknown key 'state.steps'"),
        ({"state": {"predictands": ["zz9"]}}, "zz9"),
        ({"state": {"predictands": ["z500", "z500"]}}, "expected each channel once"),
        ({"sampler": {"sampling_steps": 0}}, "sampler.sampling_steps: Input should be greater than 0, found 0"),
        ({"products": {"map_channels": ["msl"]}}, "products.map_channels: expected one of"),
        ({"products": {"probabilities": [{"channel": "z500"}]}}, "expected one of 'above' and 'below'"),
    ],
)
def test_faults_are_named_in_one_line(system, changes, message):
    with pytest.raises(ConfigurationError) as caught:
        parse_system(content(system, **changes), origin="system file x.toml")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_all_faults_are_named_at_once(system):
    faulty = content(system, colour="red", sampler={"sampling_steps": 0})
    with pytest.raises(
        ConfigurationError, match=r"^system file x\.toml: .*sampler\.sampling_steps.*; unknown key 'colour'"
    ):
        parse_system(faulty, origin="system file x.toml")


def test_content_that_is_not_a_table_is_refused():
    with pytest.raises(ConfigurationError, match="system: Input should be"):
        parse_system([1], origin="x")


def test_a_system_round_trips(system):
    assert parse_system(content(system), origin="x") == system
