"""Commands, examples and refusals of docs/bring-your-own.md are as the page says."""

import json
import re
import shlex
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from data_catalog.layout.variables import VARIABLES
from pipelines.cli.app import main
from tests.data_catalog.sources.grib.writing import members, message
from tests.foreign import truth

PAGE = (Path(__file__).parents[2] / "docs" / "bring-your-own.md").read_text(encoding="utf-8")
COMMANDS = [line for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
ROWS = [
    re.findall(r"`(.*?)`", line)[0] for line in PAGE.split("## What is refused")[1].splitlines() if "| `exp" in line
]
START = truth.STARTS[0]


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The files that the page speaks of, in the working directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PLUMECAST_HOME", str(tmp_path / "home"))
    _in_kelvin(truth.analysis("globe")[["t2m"]]).to_netcdf("analysis.nc")
    theirs().to_netcdf("theirs.nc")
    for member in range(truth.MEMBERS):
        theirs().isel(number=[member]).to_netcdf(f"member_{member}.nc")
    latitude, longitude = np.linspace(30, 70, 17), np.linspace(-70, 10, 33)
    pressure = ("time", "lat", "lon"), np.full((3, 17, 33), 101000.0, "f4"), {"units": "Pa"}
    days = np.arange("2008-01-01", "2008-01-04", dtype="datetime64[D]").astype("M8[ns]")
    xr.Dataset({"slp": pressure}, {"time": days, "lat": latitude, "lon": longitude}).to_netcdf("slp.nc")
    return tmp_path


def theirs() -> xr.Dataset:
    """An ensemble of one start in the layout of cfgrib."""
    forecast = truth.ensemble("globe")[["t2m"]].isel(init_time=0)
    forecast = forecast.rename(init_time="time", member="number", lead_time="step").astype("f4")
    return _in_kelvin(forecast)


def _in_kelvin(dataset: xr.Dataset) -> xr.Dataset:
    return dataset.assign(t2m=dataset["t2m"].assign_attrs(units="K"))


def test_commands_work(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert [command.split()[1] for command in COMMANDS] == ["verify", "verify", "ingest"]
    for command in COMMANDS:
        words = [word for text in shlex.split(command)[1:] for word in (sorted(map(str, Path().glob(text))) or [text])]
        assert main(words) == 0, capsys.readouterr().err
    right = truth.expected("globe", ["t2m"], [0], [0, 1, 2], [0, 1, 2, 3]).scores["t2m"]["crps"]
    found = json.loads(Path("scores.json").read_text())["scores"]["forecast"]["t2m"]["crps"]
    assert found == pytest.approx(right, rel=1e-5)


def test_the_example_gives_the_score(files: Path) -> None:
    space: dict[str, object] = {"__name__": "example"}
    assert len(BLOCKS) == 1
    exec(compile(BLOCKS[0], "bring-your-own.md", "exec"), space)
    right = truth.expected("globe", ["t2m"], [0], [0, 1, 2], [0, 1, 2, 3]).scores["t2m"]["crps"]
    assert space["score"].values == pytest.approx(list(right.values()), rel=1e-5)


def test_every_field_is_in_the_table() -> None:
    for variable in VARIABLES.values():
        if not variable.static:
            names = ", ".join(f"`{name}`" for name in variable.source_names)
            assert re.search(rf"\| `{variable.short_name}\d*`.* \| {names} \| {variable.units} \|", PAGE), variable


def _units(value: str | None) -> Callable[[xr.Dataset], xr.Dataset]:
    def change(dataset: xr.Dataset) -> xr.Dataset:
        dataset["t2m"].attrs = {} if value is None else {"units": value}
        return dataset

    return change


def _with_nan(dataset: xr.Dataset) -> xr.Dataset:
    return _in_kelvin(dataset.where(dataset["number"] != 1))


def _curvilinear(dataset: xr.Dataset) -> xr.Dataset:
    places = xr.broadcast(dataset["latitude"], dataset["longitude"])
    bare = dataset.drop_vars(["latitude", "longitude"]).rename_dims(latitude="y", longitude="x")
    return bare.assign_coords(lat=(("y", "x"), places[0].values), lon=(("y", "x"), places[1].values))


def _noleap(dataset: xr.Dataset) -> xr.Dataset:
    return dataset.drop_vars("time").assign_coords(
        time=((), 53.0, {"units": "hours since 2008-01-01", "calendar": "noleap"})
    )


def _lagged(dataset: xr.Dataset) -> xr.Dataset:
    lags = START - np.arange(truth.MEMBERS) * np.timedelta64(6, "h")
    return dataset.drop_vars("time").assign_coords(time=("number", lags))


def _in_pairs(dataset: xr.Dataset) -> xr.Dataset:
    starts = START + np.arange(len(truth.LEADS)) * np.timedelta64(12, "h")
    return dataset.drop_vars("time").assign_coords(init_time=("step", starts))


REFUSED = {
    "expected units": _units(None),
    "expected values": lambda dataset: _in_kelvin(dataset - 273.15),
    "expected a value everywhere": _with_nan,
    "expected a coordinate init_time": lambda dataset: dataset.drop_vars("time"),
    "expected a start or a valid time": lambda dataset: (
        dataset.isel(step=0).expand_dims("time").rename(step="forecast_period")
    ),
    "expected durations": lambda dataset: dataset.assign_coords(step=[12, 24, 48]),
    "expected times of the standard calendar": _noleap,
    "expected one start": _lagged,
    "expected starts and lead times along two": _in_pairs,
    "expected dims": lambda dataset: dataset.expand_dims(region=2),
    "expected one field": lambda dataset: dataset.assign(tas=dataset["t2m"]),
    "expected a ... dimension": _curvilinear,
    "expected the coordinates": lambda dataset: dataset.assign_coords(latitude=dataset["latitude"] + 1.0),
    "expected each": lambda dataset: dataset.assign_coords(number=[0, 0, 1, 2]),
    "expected a known channel": lambda dataset: dataset.rename(t2m="my_temperature"),
    "expected fields in one group": ("theirs.nc", "forecast", "again"),
    "expected arrays in the root group": ("theirs.zarr", "forecast"),
    "expected NetCDF, GRIB or Zarr": b"<html>try again</html>",
    "expected a field from": b"".join(members("2t", range(3), step=6)[:2] + members("2t", range(3), step=12)),
    "expected a regular": message("2t", sample="reduced_gg_sfc", grid={}, values=np.full(6114, 280.0)),
    "expected an analysis": lambda dataset: dataset.assign_coords(time=START + np.timedelta64(240, "h")),
}


@pytest.mark.parametrize("row", ROWS)
def test_refused_as_the_table_says(row: str, files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change = next(change for beginning, change in REFUSED.items() if row.startswith(beginning))
    name, *groups = change if isinstance(change, tuple) else ("theirs.nc",)
    if isinstance(change, bytes):
        Path(name).write_bytes(change)
    elif callable(change):
        change(theirs()).to_netcdf(name)
    if groups:
        Path("theirs.nc").unlink()
    for group in groups:
        write = partial(theirs().to_zarr, consolidated=False) if name.endswith(".zarr") else theirs().to_netcdf
        write(name, group=group, mode="a")
    status = main(["verify", name, "--analysis", "analysis.nc"])
    line = capsys.readouterr().err.splitlines()[-1]
    assert status == (3 if row.startswith("expected an analysis") else 2), line
    assert re.search(re.escape(row).replace(re.escape("..."), ".+"), line), line


def test_every_row_is_tried() -> None:
    assert len(ROWS) == len(REFUSED)
