"""A dataset file is written for anyone's data, can be read and edited, and is never overwritten."""

import json
import tomllib
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from data_catalog.archive.reading import open_archive
from data_catalog.catalog import read_dataset
from data_catalog.errors import ConfigurationError, InvalidDataError
from data_catalog.layout.variables import channel
from data_catalog.sources.inspection import inspect_location
from pipelines.cli.app import main
from pipelines.data.new_dataset import NewDataset, dataset_text, describe, write_new_dataset
from pipelines.workspace.home import Home
from tests.data_catalog.sources.grib.writing import members, message, on_level, write


@pytest.fixture
def file(tmp_path: Path) -> Path:
    days = np.arange("2001-01-01", "2001-01-11", dtype="M8[D]").astype("M8[ns]")
    values = np.random.default_rng(0).random((10, 3, 4), np.float32)
    dims = ("time", "lat", "lon")
    fields = {"psl": (dims, 1000 + values, {"units": "hPa"}), "PM": (dims, values, {"units": "kg m-3"})}
    places = {"time": days, "lat": [50.0, 40.0, 30.0], "lon": [0.0, 2.5, 5.0, 7.5]}
    path = tmp_path / "ours.nc"
    xr.Dataset(fields, places, {"title": 'Our "best"\nweather'}).to_netcdf(path)
    return path


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("PLUMECAST_HOME", str(tmp_path / "home"))
    return Home(tmp_path / "home")


def test_the_file_says_what_the_data_is(home: Home, file: Path) -> None:
    path, found = write_new_dataset(home, NewDataset(str(file), "ours", licence="CC0", simulated=True))
    assert path == home.datasets / "ours.toml"
    entry = read_dataset(path)
    assert (entry.title, entry.licence, entry.simulated) == ('Our "best" weather', "CC0", True)
    assert (entry.channels, entry.step_hours, entry.location) == (("msl",), 24, str(file))
    assert entry.grid == found.grid
    told = describe(path, found)
    assert "mean sea level pressure (there: psl): 100" in told
    assert "left out PM: no known variable has this name" in told


def test_a_field_can_be_declared_and_then_works_as_any_other(home: Home, file: Path) -> None:
    assert main(["new-dataset", str(file), "--name", "ours", "--declare", "PM"]) == 0
    entry = read_dataset(home.datasets / "ours.toml")
    assert entry.channels == ("msl", "pm")
    assert entry.variables["pm"].source_names == ("PM",)
    assert main(["ingest", "ours"]) == 0
    archived = open_archive(home.archive("ours"))
    with xr.open_dataset(file) as raw:
        np.testing.assert_array_equal(archived["pm"].values, raw["PM"].values[:, ::-1])


def test_the_comments_declare_it_too(home: Home, file: Path) -> None:
    path, _ = write_new_dataset(home, NewDataset(str(file), "ours"))
    lines = path.read_text().splitlines()
    start = lines.index("# [variables.pm]")
    edited = [line.removeprefix("# ") if number >= start else line for number, line in enumerate(lines)]
    path.write_text("\n".join(edited).replace('channels = ["msl"]', 'channels = ["msl", "pm"]'))
    assert read_dataset(path).channels == ("msl", "pm")
    assert channel("pm").variable.units == "kg m-3"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "Ours"}, "--name: expected lower-case letters"),
        ({"name": "era5-5p6"}, "--name: expected one that no shipped dataset has, found 'era5-5p6'"),
        ({"location": "absent.nc"}, "expected a file or directory"),
        ({"declared": ("psl",)}, "--declare: expected one of PM, found 'psl'"),
        ({"channels": ("t2m",)}, "expected a channel that can be read"),
    ],
)
def test_what_cannot_be_is_refused(home: Home, file: Path, changes: dict[str, object], message: str) -> None:
    wanted = NewDataset(**{"location": str(file), "name": "ours"} | changes)  # type: ignore[arg-type]
    with pytest.raises((ConfigurationError, InvalidDataError), match=message):
        write_new_dataset(home, wanted)
    assert not home.datasets.exists()


def test_an_existing_file_is_kept(home: Home, file: Path) -> None:
    path, _ = write_new_dataset(home, NewDataset(str(file), "ours"))
    content = path.read_text()
    with pytest.raises(ConfigurationError, match="dataset 'ours': expected no file of this name"):
        write_new_dataset(home, NewDataset(str(file), "ours"))
    assert path.read_text() == content
    assert tomllib.loads(content)["name"] == "ours"


def test_no_key_of_a_url_becomes_part_of_the_words(file: Path) -> None:
    found = inspect_location(file)
    text = dataset_text(NewDataset("x", "ours"), "https://me:pass@host/ours.zarr?token=secret", found, {})
    content = tomllib.loads(text)
    assert "secret" not in content["description"] + content["title"]
    assert content["location"] == "https://me:pass@host/ours.zarr?token=secret"


def test_grib_from_a_file_to_an_archive_and_to_scores(home: Home, tmp_path: Path) -> None:
    days = range(20200101, 20200105)
    fields = [field for day in days for field in (message("2t", dataDate=day), on_level("pv", 500, dataDate=day))]
    analysis = write(tmp_path / "an.grib", *fields)
    assert main(["new-dataset", str(analysis), "--name", "ours"]) == 0
    assert "[variables.pv500hpa]" in (home.datasets / "ours.toml").read_text()
    assert main(["ingest", "ours"]) == 0
    assert (
        main(["ingest", "ours", "--source", str(write(tmp_path / "later.grb", message("2t", dataDate=20200105)))]) == 0
    )
    assert open_archive(home.archive("ours"))["t2m"].shape == (5, 4, 6)
    ensemble = [field for step in (24, 48) for field in members("2t", range(3), step=step)]
    sums = [
        message("tp", productDefinitionTemplateNumber=11, dataType="pf", number=n, stepRange="0-24") for n in (0, 1)
    ]
    forecast, scores = write(tmp_path / "ens.grib", *ensemble, *sums), tmp_path / "scores.json"
    words = ["--analysis", str(home.archive("ours")), "--channel", "t2m", "--out", str(scores)]
    assert main(["verify", str(forecast), *words]) == 0
    found = json.loads(scores.read_text())["scores"]["forecast"]["t2m"]["crps"]
    assert found == pytest.approx({"24": 1 / 6, "48": 1 / 6}, abs=1e-3)  # members 0, 0.5 and 1 above the analysis
