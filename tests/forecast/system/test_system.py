"""A system file says what is meant, or why not."""

from pathlib import Path

import pytest

from data_catalog.errors import ConfigurationError
from forecast.system.reading import parse_system, read_system

SHIPPED = sorted((Path(__file__).parents[3] / "pipelines" / "systems").glob("*.toml"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_systems_are_valid(path):
    assert read_system(path).name == path.stem


def test_three_systems_are_shipped():
    assert {path.stem for path in SHIPPED} >= {"era5-5p6", "ncep-natlantic", "speedy-5p6"}


def content(system, **changes):
    return system.model_dump(mode="json") | changes


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


def test_test_period_is_never_trained_on(system):
    periods = system.model_dump(mode="json")["periods"]
    periods["training"]["end"] = periods["test"]["start"]
    with pytest.raises(ConfigurationError, match="expected a test period apart from training"):
        parse_system(content(system, periods=periods), origin="x")


def test_missing_file(tmp_path):
    with pytest.raises(ConfigurationError, match="expected a readable file, found No such file"):
        read_system(tmp_path / "absent.toml")


def test_no_toml(tmp_path):
    path = tmp_path / "x.toml"
    path.write_text("name = ")
    with pytest.raises(ConfigurationError, match="expected TOML"):
        read_system(path)


def test_identity_ignores_what_does_not_decide_the_members(system):
    renamed = parse_system(content(system, title="Other", schedule={"cron": "* * * * *"}), origin="x")
    assert renamed.identity_hash() == system.identity_hash()
    sharper = parse_system(content(system, sampler={"sampling_steps": 4}), origin="x")
    assert sharper.identity_hash() != system.identity_hash()


TRANSFORMER = {"kind": "dit", "patch": 2, "width": 16, "depth": 1, "heads": 2}


def test_each_kind_of_network_has_keys_of_its_own(system):
    assert parse_system(content(system, network=TRANSFORMER | {"window": [4, 4]}), origin="x").network.window == (4, 4)
    assert parse_system(content(system, network={"patch": 2}), origin="x").network.kind == "unet"


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (TRANSFORMER | {"widths": [8]}, "unknown key 'network.widths'"),
        ({"depth": 3}, "unknown key 'network.depth'"),
        (TRANSFORMER | {"patch": 3}, "network.patch: "),
        (TRANSFORMER | {"width": 18}, "network: expected a width divisible by 4 times the heads (8), found 18"),
        ({"kind": "mamba"}, "network: Input tag 'mamba' found"),
    ],
)
def test_a_wrong_network_is_named(system, network, message):
    with pytest.raises(ConfigurationError) as caught:
        parse_system(content(system, network=network), origin="x")
    assert message in str(caught.value)
