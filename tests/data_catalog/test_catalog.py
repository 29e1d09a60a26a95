"""The datasets of the catalogue, shipped ones and a user's own."""

import hashlib
import json
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from data_catalog.catalog import DatasetEntry, GridAxes, dataset, dataset_names, read_dataset
from data_catalog.errors import ConfigurationError
from data_catalog.layout.variables import channel
from data_catalog.sources.open_source import open_source

OWN = """
name = "mine"
title = "My weather"
source = "files"
location = "data/weather.nc"
channels = ["z500", "pv300"]
step_hours = 12
period_start = 2001-01-01
licence = "CC0"
description = "Weather of mine."

[grid]
latitude = [30.0, 55.0, 11]
longitude = [-15.0, 15.0, 13]

[variables.pv]
units = "K m2 kg-1 s-1"
on_levels = true
"""


def write(directory: Path, text: str = OWN, name: str = "mine.toml") -> Path:
    directory.mkdir(exist_ok=True)
    path = directory / name
    path.write_text(text)
    return path


def test_datasets_are_found_by_name() -> None:
    small = ("speedy-5p6", "erai-sweurope", "ncep-natlantic", "ncep-northamerica")
    remote = (
        "era5-5p6",
        "speedy-5p6-more",
        "era5-cds-europe",
        "ncep-2p5",
        "era5-1p5",
        "gefs-0p5",
        "era5-0p25",
        "gfs-0p25",
        "ifs-0p25",
    )
    assert dataset_names() == (*small, *remote)
    with pytest.raises(ConfigurationError, match=r"expected one of speedy-5p6, .* found 'era6'"):
        dataset("era6")
    with pytest.raises(ConfigurationError, match="nonsense"):
        DatasetEntry.model_validate(dataset("era5-5p6").model_dump() | {"channels": ("nonsense",)})


def test_shipped_datasets_are_what_earlier_releases_had() -> None:
    """The hash is that of the entries when they were written in Python, less the keys that files added."""

    def content(name: str) -> dict[str, Any]:
        found = dataset(name).model_dump(mode="json", exclude={"variables", "regrid", "members", "chunks_below"})
        return found | {"grid": {key: value for key, value in found["grid"].items() if value is not None}}

    earlier = ("speedy-5p6", "ncep-natlantic", "era5-5p6", "era5-1p5", "era5-0p25")
    contents = [content(name) for name in earlier]
    found = hashlib.sha256(json.dumps(contents, sort_keys=True).encode()).hexdigest()
    assert found == "9f80bfb518af7d12d82dd9418a677e29819e420ecae60e4242e836ffe26f5f05"


def test_entries_have_their_grids() -> None:
    grid = dataset("speedy-5p6").grid
    assert grid is not None
    analysis = open_source(dataset("speedy-5p6"))
    for axis, expected in zip(("latitude", "longitude"), grid.coordinates(), strict=True):
        np.testing.assert_allclose(analysis[axis].values, expected, atol=1e-6)


def test_has_source_is_false_without_a_location() -> None:
    found = {name: dataset(name).has_source for name in dataset_names()}
    assert [name for name, has in found.items() if not has] == ["erai-sweurope", "ncep-natlantic", "ncep-northamerica"]


def test_a_file_makes_a_dataset(tmp_path: Path) -> None:
    write(tmp_path)
    found = dataset("mine", [tmp_path / "absent", tmp_path])
    assert (found.name, found.step_hours, found.period_start) == ("mine", 12, date(2001, 1, 1))
    assert found.location == str(tmp_path / "data" / "weather.nc")
    assert channel("pv300").variable.units == "K m2 kg-1 s-1"
    assert dataset_names([tmp_path]) == (*dataset_names(), "mine")


def test_a_system_file_beside_is_no_dataset(tmp_path: Path) -> None:
    write(tmp_path, 'name = "mine"\ndataset = "mine"\n[state]\n', "system.toml")
    with pytest.raises(ConfigurationError, match="found 'mine'"):
        dataset("mine", [tmp_path])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (('"mine"', '"era5-5p6"'), "name: expected one that no shipped dataset has, found 'era5-5p6'"),
        (('"mine"', '"Mine"'), "name: String should match pattern .*, found 'Mine'"),
        (("step_hours = 12", 'step_hours = "12"'), "step_hours: Input should be a valid integer, found '12'"),
        (("step_hours = 12", "step_hours = 0"), "step_hours: Input should be greater than 0"),
        (("step_hours = 12", "steps = 12"), "step_hours: expected a value, found none; unknown key 'steps'"),
        (("2001-01-01", "2001"), "period_start: expected a day such as 2001-01-01, found 2001"),
        (("2001-01-01", "2001-01-01\nperiod_end = 2000-01-01"), "period_end: expected a day from 2001-01-01 on"),
        (('"files"', '"telepathy"'), "source: expected one of files, weatherbench2, arco-era5.*, found 'telepathy'"),
        (('"files"', '"bundled"'), "source: expected one of files, .* found 'bundled'"),
        (('"pv300"', '"zz9"'), "channel: expected .*, found 'zz9'"),
        (('"pv300"', '"z500"'), "channels: expected each channel once"),
        (('"pv300"', '"lsm"'), "channels: expected channels with times, found 'lsm'"),
        (("[-15.0, 15.0, 13]", "[15.0, -15.0, 13]"), "grid: longitude: expected ascending values"),
        (("[30.0, 55.0, 11]", "[30.0, 95.0, 11]"), "grid: latitude: expected values in -90..90"),
        (("latitude = [30.0, 55.0, 11]", ""), "grid: expected one of 'latitude' and 'latitude_values'"),
        (("[variables.pv]", "[variables.t2m]"), "variables.t2m: expected a name that the built-in table does not have"),
        (("[variables.pv]", "[variables.pv]\ncolour = 1"), r"unknown key 'variables\.pv\.colour'"),
        (("K m2 kg-1 s-1", "thing"), r"variables\.pv: units: expected a unit that UDUNITS knows"),
        (("[grid]", "[grid"), "expected TOML, found"),
    ],
)
def test_a_wrong_file_is_refused_in_one_line(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    path = write(tmp_path, OWN.replace(*change))
    with pytest.raises(ConfigurationError, match=message) as refused:
        read_dataset(path)
    assert str(refused.value).startswith(f"dataset file {path}: ")
    assert "\n" not in str(refused.value)


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    write(tmp_path)
    write(tmp_path, name="other.toml")
    with pytest.raises(ConfigurationError, match=r"dataset mine: expected one file, found .*mine\.toml and .*other"):
        dataset("mine", [tmp_path])


def test_a_broken_file_is_no_matter_for_other_datasets(tmp_path: Path) -> None:
    write(tmp_path)
    write(tmp_path, "name = ", "broken.toml")
    assert dataset("mine", [tmp_path]).name == "mine"
    with pytest.raises(ConfigurationError, match=r"broken\.toml: expected TOML"):
        dataset("broken", [tmp_path])


def test_the_hash_follows_the_content_and_not_the_place_or_the_words(tmp_path: Path) -> None:
    original = read_dataset(write(tmp_path)).content_hash()
    alike = [("data/weather.nc", "/elsewhere.nc"), ("My weather", "Ours"), ("CC0", "CC-BY"), ("[grid]", "# a\n[grid]")]
    for change in alike:
        assert read_dataset(write(tmp_path, OWN.replace(*change))).content_hash() == original
    others = [
        ("= 12", "= 6"),
        ("11]", "12]"),
        ("m2 kg-1", "m4 kg-1"),
        ('"z500", ', ""),
        ('"CC0"', '"CC0"\nsimulated = true'),
    ]
    others += [('"CC0"', f'"CC0"\nregrid = "{method}"') for method in ("bilinear", "nearest")]
    hashes = {read_dataset(write(tmp_path, OWN.replace(*change))).content_hash() for change in others}
    assert len(hashes | {original}) == len(others) + 1


def test_a_method_of_regridding_needs_a_grid(tmp_path: Path) -> None:
    start = OWN.index("[grid]")
    without = OWN[:start].replace('"CC0"', '"CC0"\nregrid = "bilinear"') + OWN[OWN.index("[variables") :]
    with pytest.raises(ConfigurationError, match=r"regrid: expected a \[grid\] to regrid to, found none"):
        read_dataset(write(tmp_path, without))
    with pytest.raises(ConfigurationError, match=r"regrid: .*'conservative', 'bilinear' or 'nearest', found 'cubic'"):
        read_dataset(write(tmp_path, OWN.replace('"CC0"', '"CC0"\nregrid = "cubic"')))


def test_grids_are_written_by_their_ends_where_they_are_even() -> None:
    rows, columns = np.linspace(-87.1875, 87.1875, 32), np.arange(64) * 5.625
    assert GridAxes.of(rows, columns) == GridAxes(latitude=(-87.1875, 87.1875, 32), longitude=(0.0, 354.375, 64))
    gaussian = np.array([-87.159, -83.479, -79.777])
    found = GridAxes.of(gaussian, columns)
    assert found.latitude is None
    np.testing.assert_array_equal(found.coordinates()[0], gaussian)
    with pytest.raises(ValidationError, match="expected one of 'latitude' and 'latitude_values'"):
        GridAxes(latitude=(0, 1, 2), latitude_values=(0.0, 1.0), longitude=(0, 1, 2))


@pytest.mark.parametrize(
    ("location", "remote"),
    [("/data", False), ("file:///data", False), ("https://a.b/c.zarr", True), ("s3://a/b", True), (None, False)],
)
def test_what_lies_behind_a_url_is_remote(tmp_path: Path, location: str | None, remote: bool) -> None:
    text = OWN.replace('location = "data/weather.nc"', "" if location is None else f'location = "{location}"')
    assert read_dataset(write(tmp_path, text)).is_remote is remote
