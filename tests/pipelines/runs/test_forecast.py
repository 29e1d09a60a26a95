"""One cycle: growing, resuming, a single member."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import date
from pathlib import Path

import netCDF4
import numpy as np
import pytest
import xarray as xr

from data_catalog.archive.analysis import open_dataset_source
from data_catalog.archive.ingest import ingest
from data_catalog.errors import ConfigurationError, InvalidDataError, MissingDataError
from forecast.members.ensemble import MemberRequest
from forecast.members.noise import member_seeds
from forecast.products.files.forecast_reading import open_forecast
from forecast.products.files.manifest import Contents, read_manifest, verify_manifest
from forecast.products.files.proof import prove_run
from pipelines.runs import forecast as forecasting
from pipelines.runs import staging
from pipelines.runs.cycle import check_single_member, cycle_at_home
from pipelines.runs.forecast import forecast_cycle
from pipelines.runs.inputs import open_inputs
from pipelines.runs.republish import refresh_report
from pipelines.workspace.home import Home
from pipelines.workspace.systems import find_system
from tests.archive_damage.tiny import ENTRY
from tests.pipelines.conftest import cycle_of


@pytest.fixture(autouse=True)
def _undrawn(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Skip drawing: figures take seconds per run, and two tests of them are enough."""
    if request.node.name not in ("test_run_is_complete", "test_a_system_may_name_no_channels_and_any_title"):
        monkeypatch.setattr("pipelines.runs.forecast.draw_run", lambda *_: [])


def make(place: Home, tiny: Path, weather: Path, init: str = "2008-01-10", **options: object) -> Path:
    return forecast_cycle(cycle_of(place, tiny, init, analysis=weather, **options))


def values(run: Path) -> xr.Dataset:
    with open_forecast(run) as forecast:
        return forecast.load()


def raw(run: Path) -> dict[str, bytes]:
    with netCDF4.Dataset(run / f"{run.parent.name}_{run.name}.nc") as stored:
        stored.set_auto_maskandscale(False)
        return {name: stored.variables[name][:].tobytes() for name in ("msl", "t2m")}


def test_run_is_complete(place: Home, tiny: Path, weather_file: Path) -> None:
    run = make(place, tiny, weather_file)
    assert run == place.runs / "tiny" / "20080110T0000Z"
    manifest = verify_manifest(run)
    assert manifest.delivered == Contents(members=(0, 1, 2, 3), lead_hours=(24, 48, 72))
    assert {"tiny_20080110T0000Z.nc", "tiny_20080110T0000Z_products.nc", "report.html"} <= set(manifest.files)
    assert {"plots/map_msl.png", "plots/stamps_msl.png", "plots/plume_london.png"} <= set(manifest.files)
    assert not list((place.runs / ".working" / "tiny").glob("*.states"))


def test_a_system_can_ask_for_zarr(
    place: Home, tiny: Path, weather_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.runs.republish.draw_run", lambda *_: [])
    system = tmp_path / "tiny.toml"
    system.write_text(tiny.read_text().replace("[products]\n", "[products]\nzarr = true\n"))
    for members in (2, 3):
        run = make(place, system, weather_file, members=members)
        store = run / "tiny_20080110T0000Z.zarr"
        with xr.open_zarr(store, chunks=None) as plain, open_forecast(store) as ours:
            field = plain["mean_sea_level_pressure"]
            assert field.dims == ("time", "number", "prediction_timedelta", "latitude", "longitude")
            assert field.sizes["number"] == members
            for name in ("msl", "t2m"):
                np.testing.assert_array_equal(ours[name].values, values(run)[name].values)
    in_store = {name for name in verify_manifest(run).files if name.startswith(f"{store.name}/")}
    assert in_store == {path.relative_to(run).as_posix() for path in store.rglob("*") if path.is_file()}
    refresh_report(place, run)
    assert in_store <= set(verify_manifest(run).files)
    chunk = next(path for path in (store / "2m_temperature" / "c").rglob("*") if path.is_file())
    chunk.write_bytes(chunk.read_bytes()[::-1])
    with pytest.raises(InvalidDataError, match=f"{chunk.relative_to(run).as_posix()}: changed"):
        verify_manifest(run)


def test_zarr_asked_for_later_is_added_to_the_run(place: Home, tiny: Path, weather_file: Path, tmp_path: Path) -> None:
    run = make(place, tiny, weather_file, members=3)
    before = verify_manifest(run)
    system = tmp_path / "tiny.toml"
    system.write_text(tiny.read_text().replace("[products]\n", "[products]\nzarr = true\n"))
    assert make(place, system, weather_file, members=2) == run
    after = verify_manifest(run)
    assert after.delivered == before.delivered
    assert before.files.items() <= after.files.items()
    with open_forecast(run / "tiny_20080110T0000Z.zarr") as store:
        xr.testing.assert_equal(store["msl"].drop_attrs(), values(run)["msl"].drop_attrs())


def test_asking_again_changes_nothing(place: Home, tiny: Path, weather_file: Path) -> None:
    run = make(place, tiny, weather_file)
    before = {path: path.stat().st_mtime_ns for path in run.rglob("*") if path.is_file()}
    assert make(place, tiny, weather_file) == run
    assert {path: path.stat().st_mtime_ns for path in run.rglob("*") if path.is_file()} == before


def test_growing_keeps_the_members(place: Home, tiny: Path, weather_file: Path) -> None:
    small = values(make(place, tiny, weather_file, members=3))
    large = values(make(place, tiny, weather_file, members=7))
    assert large["member"].values.tolist() == list(range(7))
    xr.testing.assert_identical(large.sel(member=[0, 1, 2])["msl"].drop_attrs(), small["msl"].drop_attrs())
    spread = large["msl"].std("member")
    assert float(spread.min()) > 0


def test_growing_computes_only_what_is_missing(
    place: Home, tiny: Path, weather_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(place, tiny, weather_file, members=3)
    asked: list[tuple[int, ...]] = []
    real = forecasting.forecast_members

    def spying(*arguments: object, **options: object) -> object:
        request = arguments[3]
        assert isinstance(request, MemberRequest)
        asked.append(tuple(request.members))
        return real(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(forecasting, "forecast_members", spying)
    make(place, tiny, weather_file, members=5)
    assert asked == [(3, 4)]


def test_another_analysis_is_another_run(place: Home, tiny: Path, weather_file: Path, tmp_path: Path) -> None:
    first = values(make(place, tiny, weather_file))
    with xr.open_dataset(weather_file, engine="netcdf4") as weather:
        changed = weather.load()
    changed["msl"].loc[{"time": "2008-01-10"}] += 200.0
    changed.to_netcdf(tmp_path / "changed.nc", engine="netcdf4")
    second = values(make(place, tiny, tmp_path / "changed.nc", members=6))
    assert not np.array_equal(second["msl"].values[:4], first["msl"].values)


def test_the_manifest_names_what_the_members_were_made_from(place: Home, tiny: Path, weather_file: Path) -> None:
    """Even if the checkpoint has been replaced since, because the steps of a flow open nothing twice."""
    cycle = cycle_of(place, tiny, "2008-01-10", analysis=weather_file, members=2)
    inputs = open_inputs(cycle)
    assert forecasting.make_members(cycle, inputs)
    (cycle.checkpoint / "model.json").unlink()
    forecasting.make_products(cycle)
    manifest = read_manifest(forecasting.publish(cycle))
    assert {name: getattr(manifest, name) for name in inputs.identity} == inputs.identity
    identity = inputs.identity["model_id"], inputs.identity["system_hash"]
    assert manifest.seeds == dict(zip("01", member_seeds(*identity, cycle.init_time, [0, 1]), strict=True))


def test_members_that_were_not_requested_are_not_published(place: Home, tiny: Path, weather_file: Path) -> None:
    cycle = cycle_of(place, tiny, "2008-01-10", analysis=weather_file, members=2)
    forecasting.make_members(cycle, open_inputs(cycle))
    with pytest.raises(InvalidDataError, match=r"expected members \[0, 1, 2\], found \[0, 1\]"):
        forecasting.publish(replace(cycle, members=(0, 1, 2)))
    assert not cycle.run.path.exists()


def test_single_member_equals_that_of_the_ensemble(place: Home, tiny: Path, weather_file: Path, tmp_path: Path) -> None:
    ensemble = values(make(place, tiny, weather_file, members=5))
    alone = values(make(place, tiny, weather_file, members=(3,), runs=tmp_path / "alone"))
    assert alone["member"].values.tolist() == [3]
    for name, tolerance in (("msl", 600e-4), ("t2m", 3e-4)):
        wanted = ensemble[name].sel(member=[3]).values
        # One rounding of the stored values comes on top of the tolerance of the members themselves.
        np.testing.assert_allclose(alone[name].values, wanted, rtol=2**-12, atol=tolerance)


def test_single_member_never_replaces_an_ensemble(place: Home, tiny: Path, weather_file: Path) -> None:
    alone = cycle_of(place, tiny, "2008-01-10", analysis=weather_file, members=(3,))
    check_single_member(alone)
    make(place, tiny, weather_file)
    with pytest.raises(ConfigurationError, match="expected no run there, found one of 4 members"):
        check_single_member(alone)


def test_late_analysis(place: Home, tiny: Path, weather_file: Path) -> None:
    with pytest.raises(MissingDataError, match="2008-02-21"):
        make(place, tiny, weather_file, init="2008-02-21")
    with pytest.raises(MissingDataError, match="plumecast ingest"):
        cycle_at_home(place, find_system(str(tiny)), np.datetime64("2008-01-10", "ns"))


KILLED = """
import sys
from pathlib import Path
from pipelines.runs import forecast as forecasting
from pipelines.workspace.home import home
from tests.pipelines.conftest import cycle_of

real = forecasting.forecast_members

def slow(*arguments, **options):
    for number, made in enumerate(real(*arguments, **options)):
        yield made
        if number == 3:
            print("half way", flush=True)
            sys.stdin.read()

forecasting.forecast_members = slow
forecasting.forecast_cycle(cycle_of(home(), sys.argv[1], "2008-01-10", analysis=Path(sys.argv[2])))
"""


def test_killed_forecast_resumes(place: Home, tiny: Path, weather_file: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", KILLED, str(tiny), str(weather_file)]
    environment = {**os.environ, "PLUMECAST_HOME": str(place.root)}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, cwd=Path.cwd(), text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "half way\n"
        process.send_signal(signal.SIGKILL)
    assert not list((place.runs / "tiny").glob("*Z"))
    kept = list((place.runs / ".working" / "tiny").rglob("*.npy"))
    assert kept
    started = time.time()
    run = make(place, tiny, weather_file)
    assert all(not path.exists() or path.stat().st_mtime < started for path in kept)
    untouched = make(place, tiny, weather_file, runs=tmp_path / "untouched")
    assert raw(run) == raw(untouched)


def test_run_that_was_being_replaced_is_restored(place: Home, tiny: Path, weather_file: Path) -> None:
    path = make(place, tiny, weather_file)
    before = path.stat().st_ino
    cycle = cycle_of(place, tiny, "2008-01-10", analysis=weather_file)
    path.rename(staging.staged(cycle.run).path.with_name("20080110T0000Z.previous"))
    assert forecast_cycle(cycle) == path
    verify_manifest(path)
    assert path.stat().st_ino == before


def test_a_system_may_name_no_channels_and_any_title(
    place: Home, tiny: Path, weather_file: Path, tmp_path: Path
) -> None:
    cycle = cycle_of(place, tiny, "2008-01-10", analysis=weather_file)
    odd = cycle.system.changed(title="Costs $x^{2 of_ $", products=cycle.system.products.changed(map_channels=()))
    run = forecast_cycle(replace(cycle, system=odd))
    assert {"plots/map_msl.png", "plots/map_t2m.png"} <= set(verify_manifest(run).files)


def test_a_run_from_an_ensemble_of_analyses_says_so(
    place: Home, tiny: Path, weather_file: Path, tmp_path: Path
) -> None:
    with xr.open_dataset(weather_file, engine="netcdf4") as weather:
        days = weather.sel(time=slice("2008-01-05", "2008-01-12")).load()
    warmer = days.assign(t2m=days["t2m"] + 1)
    ensemble = xr.concat([days, warmer], xr.DataArray([0, 3], dims="member", name="member"), data_vars=["msl", "t2m"])
    dataset = ENTRY.model_copy(update={"members": 2, "static": ("orography",), "period_start": date(2008, 1, 1)})
    ensemble.to_netcdf(tmp_path / "eda.nc", engine="netcdf4")
    ingest(dataset, open_dataset_source(dataset, str(tmp_path / "eda.nc")), tmp_path / "eda.zarr")
    run = make(place, tiny, tmp_path / "eda.zarr")
    manifest = prove_run(run)
    assert manifest.analysis_members == (0, 3)
    found = values(run)
    assert found.attrs["plumecast_analysis_members"] == "0 3"
    single = values(make(place, tiny, weather_file))
    gap = (found["t2m"] - single["t2m"]).isel(lead_time=0).mean(["latitude", "longitude"])
    assert "plumecast_analysis_members" not in single.attrs
    assert np.abs(gap.values[::2]).max() < 0.01
    assert gap.values[1::2].min() > 0.1
    assert prove_run(run).analysis_members is None
