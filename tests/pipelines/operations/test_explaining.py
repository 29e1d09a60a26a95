"""A published run that is explained."""

from pathlib import Path

import netCDF4
import pytest
import xarray as xr

from data_catalog.errors import ConfigurationError, InvalidDataError
from forecast.products.files.manifest import extend_manifest
from forecast.products.files.proof import prove_run
from forecast.products.files.runs import RunDirectory
from pipelines.cli.app import main
from pipelines.operations.explaining import ExplanationRequest, explain_run
from pipelines.runs.forecast import forecast_cycle
from pipelines.runs.original_inputs import Sources
from pipelines.workspace.home import Home
from tests.pipelines.conftest import cycle_of


@pytest.fixture
def run(place: Home, tiny: Path, weather_file: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("pipelines.runs.forecast.draw_run", lambda *_: [])
    return forecast_cycle(cycle_of(place, tiny, "2008-01-10", analysis=weather_file))


def test_the_command(
    place: Home, run: Path, weather_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = prove_run(run)
    options = ["--lead", "2d", "--channel", "t2m", "--analysis", str(weather_file)]
    assert main(["explain", str(run), "--place", "london", *options]) == 0
    said = capsys.readouterr().out
    folder = place.explanations("tiny") / "20080110T0000Z"
    stem = "tiny_20080110T0000Z_t2m_London_48h"
    assert sorted(path.name for path in folder.iterdir()) == [f"{stem}.nc", f"{stem}.png"]
    assert said.startswith("2 m temperature at London, day 2: mean ")
    assert "(4 members)" in said
    with xr.open_dataset(folder / f"{stem}.nc", engine="netcdf4") as stored:
        assert stored.attrs["comment"] in said
        assert stored.attrs["plumecast_model_id"] == before.model_id
        assert stored.sizes["time"] == 2
        assert float(stored.attrs["plumecast_check_correlation_mean"]) > 0.9
    assert prove_run(run) == before


def test_a_region(place: Home, run: Path, weather_file: Path, tmp_path: Path) -> None:
    sources = Sources(place, analysis=weather_file)
    made = explain_run(ExplanationRequest(run, "tropics", sources, "1d", members=3, out=tmp_path / "out"))
    assert made.netcdf.parent == tmp_path / "out"
    assert made.words.startswith("Mean sea level pressure at tropics, day 1")
    with xr.open_dataset(made.netcdf, engine="netcdf4") as stored:
        weights = stored["outcome_weight"]
        assert float(weights.sum()) == pytest.approx(1)
        assert bool((weights.where(abs(weights["latitude"]) > 20, 0) == 0).all())


@pytest.mark.parametrize(
    ("wanted", "fault"),
    [
        ({"place": "95,0"}, r"--place: expected latitude and longitude .* or one of London, found '95,0'; regions are"),
        ({"place": "Paris"}, "found 'Paris'"),
        ({"lead": "9d"}, "--lead: expected one of the run's 3 lead times from 24 h to 72 h, found 9d"),
        ({"lead": "36h"}, "--lead: expected one of"),
        ({"channel": "z500"}, "--channel: expected one of msl, t2m, found 'z500'"),
        ({"members": 9}, "expected 3 to all 4 of its members, found 9"),
        ({"run": Path("nowhere")}, "run nowhere: expected a run directory"),
    ],
)
def test_what_the_run_does_not_have(
    place: Home, run: Path, weather_file: Path, wanted: dict[str, object], fault: str
) -> None:
    usual: dict[str, object] = {"run": run, "place": "London", "sources": Sources(place, analysis=weather_file)}
    with pytest.raises(ConfigurationError, match=fault):
        explain_run(ExplanationRequest(**(usual | wanted)))  # type: ignore[arg-type]
    assert not place.explanations("tiny").exists()


def test_no_checkpoint_and_another_run(place: Home, run: Path, weather_file: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"expected model\.json"):
        explain_run(ExplanationRequest(run, "London", Sources(place, checkpoint=tmp_path, analysis=weather_file)))


def test_members_that_the_model_does_not_make(place: Home, run: Path, weather_file: Path) -> None:
    forecast = RunDirectory.at(run).forecast
    with netCDF4.Dataset(forecast, "r+") as stored:
        stored["msl"][1, 0] += 300.0
    extend_manifest(run, [forecast])
    with pytest.raises(InvalidDataError, match=r"member 1: expected msl of .*, as the model makes it, found"):
        explain_run(ExplanationRequest(run, "London", Sources(place, analysis=weather_file), "1d"))
