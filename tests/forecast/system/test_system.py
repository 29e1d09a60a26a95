"""System files are checked as a whole."""

import json
from pathlib import Path

import pytest

from data_catalog.errors import ConfigurationError
from forecast.system.reading import parse_system, read_system
from forecast.system.system import System

SHIPPED = sorted((Path(__file__).parents[3] / "pipelines" / "systems").glob("*.toml"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_systems_are_valid(path):
    assert read_system(path).name == path.stem


def content(system, **changes):
    return system.model_dump(mode="json") | changes


def test_identity_ignores_settings_that_do_not_change_members(system):
    renamed = parse_system(content(system, title="Other", schedule={"cron": "* * * * *"}), origin="x")
    assert renamed.identity_hash() == system.identity_hash()
    sharper = parse_system(content(system, sampler={"sampling_steps": 4}), origin="x")
    assert sharper.identity_hash() != system.identity_hash()


def test_no_record_says_where_cycles_ingest_from(system):
    named = parse_system(content(system, schedule={"source": "https://user:password@place/data.nc"}), origin="x")
    assert named.schedule.source == "https://user:password@place/data.nc"
    assert named.changed(title="Other").schedule.source == named.schedule.source
    assert "password" not in named.model_dump_json()


HASHES = {
    "era5-0p25": ("d015f62aef05", "de26928ce4b2"),
    "era5-1p5": ("d5d384ac784d", "c38b170539dc"),
    "era5-5p6": ("8d4c9fdff9e2", "c648611afdb7"),
    "erai-sweurope": ("dbd663905129", "3a3987e59779"),
    "ncep-northamerica": ("608614e90413", "01081d176b0c"),
    "ncep-natlantic": ("61da913e2dde", "b2616a123407"),
    "speedy-5p6": ("3d49963146ad", "999534658158"),
}
"""Identity and training of the shipped systems, as members that were published with them have them."""


@pytest.mark.parametrize("name", HASHES)
def test_hashes_of_shipped_systems_stay(name: str) -> None:
    (path,) = (path for path in SHIPPED if path.stem == name)
    shipped = read_system(path)
    assert (shipped.identity_hash()[:12], shipped.training_hash()[:12]) == HASHES[name]
    assert "own_datasets" not in json.loads(shipped.model_dump_json())


DATASET = """
name = "mine"
title = "My weather"
source = "files"
location = "/secret/place.nc"
channels = ["pv300", "z500"]
step_hours = 24
period_start = 2001-01-01
licence = "CC0"
description = "Weather of mine."
[variables.pv]
units = "K m2 kg-1 s-1"
on_levels = true
"""


def own_system(directory: Path, system: System, text: str = DATASET, **changes: object) -> System:
    """A system file whose dataset file lies beside it."""
    directory.mkdir(exist_ok=True)
    (directory / "weather.toml").write_text(text)
    state = '[state]\npredictands = ["pv300"]\n'
    dates = system.model_dump(mode="json")["periods"]
    periods = "".join(
        f"[periods.{name}]\nstart = {days['start']}\nend = {days['end']}\n" for name, days in dates.items()
    )
    (directory / "system.toml").write_text(f'name = "own"\ntitle = "Own"\ndataset = "mine"\n{state}{periods}')
    return read_system(directory / "system.toml")


def test_a_users_dataset_enters_the_hash_by_its_content(tmp_path: Path, system: System) -> None:
    own = own_system(tmp_path, system)
    assert own.entry.title == "My weather"
    renamed = own_system(tmp_path, system, DATASET.replace("My weather", "Ours").replace("/secret", "/other"))
    assert (renamed.identity_hash(), renamed.training_hash()) == (own.identity_hash(), own.training_hash())
    changed = own_system(tmp_path, system, DATASET.replace("= 24", "= 12"))
    assert changed.identity_hash() != own.identity_hash()
    assert changed.training_hash() != own.training_hash()
    assert changed.dataset_identity != own.dataset_identity


def test_a_system_is_stored_with_its_own_dataset_but_not_its_place(tmp_path: Path, system: System) -> None:
    own = own_system(tmp_path, system)
    assert own.entry.location == "/secret/place.nc"
    stored = own.model_dump_json()
    assert "secret" not in stored
    again = parse_system(json.loads(stored), origin="x")
    assert again.identity_hash() == own.identity_hash()
    assert again.entry.variables["pv"].units == "K m2 kg-1 s-1"
    assert own.changed(title="Another").identity_hash() == own.identity_hash()


def test_a_stored_dataset_may_not_take_a_shipped_name(tmp_path: Path, system: System) -> None:
    content = own_system(tmp_path, system).model_dump(mode="json")
    content["own_datasets"][0]["name"] = "era5-5p6"
    with pytest.raises(ConfigurationError, match="own_datasets: expected a name that no shipped dataset has"):
        parse_system(content, origin="x")


def test_an_unknown_dataset_is_refused_when_the_file_is_read(tmp_path: Path, system: System) -> None:
    own_system(tmp_path, system)
    (tmp_path / "weather.toml").unlink()
    with pytest.raises(
        ConfigurationError, match=r"^system file .*system\.toml: dataset: expected one of .* found 'mine'"
    ):
        read_system(tmp_path / "system.toml")
