"""System files are checked as a whole."""

from pathlib import Path

import pytest

from forecast.system.reading import parse_system, read_system

SHIPPED = sorted((Path(__file__).parents[3] / "pipelines" / "systems").glob("*.toml"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_systems_are_valid(path):
    assert read_system(path).name == path.stem


def test_three_systems_are_shipped():
    assert {path.stem for path in SHIPPED} >= {"era5-5p6", "ncep-natlantic", "speedy-5p6"}


def content(system, **changes):
    return system.model_dump(mode="json") | changes


def test_identity_ignores_settings_that_do_not_change_members(system):
    renamed = parse_system(content(system, title="Other", schedule={"cron": "* * * * *"}), origin="x")
    assert renamed.identity_hash() == system.identity_hash()
    sharper = parse_system(content(system, sampler={"sampling_steps": 4}), origin="x")
    assert sharper.identity_hash() != system.identity_hash()
