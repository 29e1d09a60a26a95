"""Anyone's ensembles against any analysis: names, orders, single members, several files, and what cannot be scored."""

import json
import re
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest
import xarray as xr

from data_catalog.errors import ConfigurationError, InvalidDataError, MissingDataError, PlumecastError
from forecast.verification import area_weights, crps, mae, open_score_archive
from pipelines.cli.app import main
from pipelines.operations.verify import VerificationResult, verify
from pipelines.scoring.tables import caption
from pipelines.scoring.verification_request import VerificationRequest
from pipelines.workspace.home import Home
from pipelines.workspace.systems import find_system

STARTS = np.array(["2008-01-05", "2008-01-06", "2008-02-19"], "datetime64[ns]")
LEADS = (np.array([24, 48]) * np.timedelta64(1, "h")).astype("timedelta64[ns]")


@pytest.fixture(scope="module")
def ensemble(weather_file: Path) -> xr.Dataset:
    """The weather with noise: 5 members of t2m and u850, in our words; the last start reaches beyond the analysis."""
    with xr.open_dataset(weather_file, engine="netcdf4") as opened:
        weather = opened[["t2m", "u850"]].load()
    generator = np.random.default_rng(0)
    valid = STARTS[:, None] + LEADS
    fields = {}
    for name, field in weather.items():
        known = field.reindex(time=valid.ravel(), method="nearest").values.reshape(3, 1, 2, 8, 16)
        noise = generator.standard_normal((3, 5, 2, 8, 16), dtype=np.float32)
        dims = ("init_time", "member", "lead_time", "latitude", "longitude")
        fields[name] = (dims, known + noise, {"units": field.attrs["units"]})
    grid = {name: weather[name] for name in ("latitude", "longitude")}
    return xr.Dataset(fields, {"init_time": STARTS, "member": np.arange(5), "lead_time": LEADS, **grid})


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def serve() -> Iterator[Callable[[Path], str]]:
    """A function that serves a directory over HTTP on this machine and returns its URL."""
    servers = []

    def start(directory: Path) -> str:
        servers.append(ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(directory))))
        Thread(target=servers[-1].serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{servers[-1].server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def scored(home: Home, path: Path, analysis: Path | None, **named: Any) -> VerificationResult:
    return verify(VerificationRequest(home, analysis=analysis, **named), [path])


def wb2(forecast: xr.Dataset, path: Path) -> Path:
    theirs = forecast.rename(t2m="2m_temperature", u850="u_component_of_wind", init_time="time", member="number")
    theirs = theirs.rename(lead_time="prediction_timedelta")
    theirs["u_component_of_wind"] = theirs["u_component_of_wind"].expand_dims(level=[850])
    theirs = theirs.transpose("time", "number", "prediction_timedelta", "level", "latitude", "longitude")
    theirs.to_zarr(path, zarr_format=2)
    return path


def cds(forecast: xr.Dataset, path: Path) -> Path:
    theirs = forecast.rename(init_time="forecast_reference_time", member="number", lead_time="step", u850="u")
    theirs["u"] = theirs["u"].expand_dims(pressure_level=[850.0])
    theirs = theirs.rename(latitude="lat", longitude="lon").transpose("lon", "step", "number", "lat", ...)
    theirs.isel(lat=slice(None, None, -1)).to_netcdf(path, engine="netcdf4")
    return path


def ours(forecast: xr.Dataset, path: Path) -> Path:
    forecast.to_netcdf(path, engine="netcdf4")
    return path


@pytest.mark.parametrize("written", [wb2, cds, ours])
def test_any_layout_has_the_same_scores(
    home: Home,
    ensemble: xr.Dataset,
    weather_file: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    written: Callable[[xr.Dataset, Path], Path],
) -> None:
    verified = scored(home, written(ensemble, tmp_path / "theirs ens"), weather_file)
    assert "1 of 3 cycles lack an analysis and are left out, the first from 2008-02-19" in caplog.text
    found = verified.report
    assert (found.system, found.members, found.initialisations) == ("theirs ens", 5, 2)
    assert found.period == ("2008-01-05", "2008-01-08")
    assert verified.score_archives == (home.score_archive("theirs-ens"),)
    archive = open_score_archive(verified.score_archives[0])["sums"]
    assert archive["forecaster"].values.tolist() == ["theirs-ens"]
    assert archive.sizes["init_time"] == 2
    with xr.open_dataset(weather_file, engine="netcdf4") as weather:
        valid = xr.DataArray(STARTS[:2, None] + LEADS, dims=("init_time", "lead_time"))
        analysis = weather[["t2m", "u850"]].sel(time=valid).drop_vars("time").load()
    options = {"reduce": ("init_time", "latitude", "longitude"), "weights": area_weights(analysis["latitude"])}
    for name in ("t2m", "u850"):
        expected = crps(ensemble[name][:2], analysis[name], **options).values
        by_lead = found.scores["forecast"][name]["crps"]
        assert list(by_lead) == ["24", "48"]
        np.testing.assert_allclose(list(by_lead.values()), expected, rtol=1e-5)


def test_a_single_forecast_has_no_crps_and_says_so(
    home: Home, ensemble: xr.Dataset, weather_file: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    one = ensemble[["t2m"]].isel(init_time=0, member=2, drop=True).assign_coords(init_time=STARTS[0])
    found = scored(home, ours(one, tmp_path / "one.nc"), weather_file).report
    assert "one member, which has no fair CRPS and no spread: these are null" in caplog.text
    scores = found.scores["forecast"]["t2m"]
    assert (scores["crps"], scores["spread_skill"]) == ({"24": None, "48": None}, {"24": None, "48": None})
    with xr.open_dataset(weather_file, engine="netcdf4") as weather:
        analysis = weather["t2m"].sel(time=STARTS[0] + LEADS).load().rename(time="lead_time")
    analysis = analysis.assign_coords(lead_time=LEADS)
    weights = area_weights(analysis["latitude"])
    error = mae(one["t2m"].expand_dims("member"), analysis, reduce=("latitude", "longitude"), weights=weights)
    np.testing.assert_allclose(list(scores["mae"].values()), error.values, rtol=1e-5)


def test_one_forecaster_in_many_files(home: Home, ensemble: xr.Dataset, weather_file: Path, tmp_path: Path) -> None:
    directory = tmp_path / "ecmwf"
    directory.mkdir()
    files = [ours(ensemble.isel(init_time=index), directory / f"{index}.nc") for index in range(2)]
    verified = verify(VerificationRequest(home, analysis=weather_file), files)
    assert verified.report.initialisations == 2
    assert verify(VerificationRequest(home, analysis=weather_file), files) == verified
    assert verified.score_archives == (home.score_archive("ecmwf"),)
    assert open_score_archive(home.score_archive("ecmwf"))["sums"].sizes["init_time"] == 2
    other = ours(ensemble.isel(init_time=0) + np.float32(1), directory / "2.nc")
    with pytest.raises(InvalidDataError, match=r"20080105T0000Z/ecmwf\.npz: expected the same scores as before"):
        verify(VerificationRequest(home, analysis=weather_file, forecaster="ecmwf"), [other])


def test_however_a_forecast_is_cut_into_files_its_scores_are_the_same(
    home: Home, ensemble: xr.Dataset, weather_file: Path, tmp_path: Path
) -> None:
    two = ensemble.isel(init_time=slice(2))
    whole = scored(home, ours(two, tmp_path / "whole.nc"), weather_file).report
    members = [ours(two.isel(member=[n]), tmp_path / f"member{n}.nc") for n in (3, 0, 4, 1, 2)]
    leads = [ours(two.isel(lead_time=[n]), tmp_path / f"lead{n}.nc") for n in range(2)]
    channels = [ours(two[[name]], tmp_path / f"{name}.nc") for name in ("t2m", "u850")]
    request = VerificationRequest(home, analysis=weather_file)
    for files in (members, leads, channels, [*members, leads[0], members[0]]):
        found = verify(request, files).report
        assert (found.initialisations, found.members, found.starts) == (2, 5, whole.starts)
        assert found.scores == whole.scores


def test_a_start_whose_channels_have_different_leads_counts_once(
    home: Home, ensemble: xr.Dataset, weather_file: Path, tmp_path: Path
) -> None:
    one = ensemble.isel(init_time=[0])
    whole = scored(home, ours(one, tmp_path / "whole.nc"), weather_file).report
    files = [
        ours(one[["t2m"]], tmp_path / "t2m.nc"),
        ours(one[["u850"]].isel(lead_time=[1]), tmp_path / "u850.nc"),
    ]
    found = verify(VerificationRequest(home, analysis=weather_file), files).report
    assert (found.initialisations, found.starts) == (1, {"forecast": {"24": 1, "48": 1}})
    assert found.scores["forecast"]["t2m"] == whole.scores["forecast"]["t2m"]
    assert found.scores["forecast"]["u850"]["crps"]["48"] == whole.scores["forecast"]["u850"]["crps"]["48"]
    assert found.scores["forecast"]["u850"]["crps"]["24"] is None


def test_nothing_of_a_failed_verification_stays_behind(
    home: Home, ensemble: xr.Dataset, weather_file: Path, tmp_path: Path
) -> None:
    two = ensemble.isel(init_time=slice(2)).copy(deep=True)
    two["t2m"][1, 2, 1] = np.inf
    file = ours(two, tmp_path / "theirs.nc")
    with pytest.raises(InvalidDataError, match=r"t2m of member 2 from 2008-01-06T00:00Z at 48 h: .* found inf"):
        scored(home, file, weather_file)
    assert not home.score_archive("theirs").exists()
    later = ours(ensemble.isel(init_time=[1]), tmp_path / "later.nc")
    scored(home, later, weather_file, forecaster="theirs")
    changed = ours(ensemble.isel(init_time=slice(2)) + np.float32(1), tmp_path / "theirs.nc")
    with pytest.raises(InvalidDataError, match=r"expected the same scores as before.*--forecaster.*--scores"):
        scored(home, changed, weather_file)
    assert open_score_archive(home.score_archive("theirs"))["sums"].sizes["init_time"] == 1


@pytest.mark.filterwarnings("ignore:Consolidated metadata is currently not part")
def test_forecast_and_analysis_are_taken_by_url(
    home: Home, ensemble: xr.Dataset, weather_file: Path, tmp_path: Path, serve: Callable[[Path], str]
) -> None:
    with xr.open_dataset(weather_file, engine="netcdf4") as weather:
        weather[["t2m", "u850"]].load().drop_encoding().to_zarr(tmp_path / "analysis.zarr", zarr_format=3)
    theirs = wb2(ensemble.isel(init_time=slice(2)), tmp_path / "their s.zarr")
    expected = scored(home, theirs, weather_file).report.scores
    root = serve(tmp_path)
    for analysis, forecast in (
        ((tmp_path / "analysis.zarr").as_uri(), theirs.as_uri()),
        (f"{root}/analysis.zarr", f"{root}/their%20s.zarr"),
    ):
        request = VerificationRequest(home, analysis=analysis, forecaster="theirs")
        assert verify(request, [forecast]).report.scores == expected


def test_sea_temperature_is_scored_at_sea_and_the_share_is_said(
    home: Home, ensemble: xr.Dataset, weather_file: Path, tmp_path: Path
) -> None:
    land = (ensemble["latitude"] > 0) & (ensemble["longitude"] < 180)
    weather = xr.open_dataset(weather_file, engine="netcdf4")[["t2m"]].load()
    weather["sst"] = weather["t2m"].clip(270, 310).where(~land)
    theirs = ensemble[["t2m"]].isel(init_time=slice(2))
    theirs["sst"] = theirs["t2m"].clip(270, 310).where(~land).assign_attrs(units="K")
    found = scored(home, ours(theirs, tmp_path / "theirs.nc"), ours(weather, tmp_path / "sea.nc")).report
    assert found.scored_points == {"sst": pytest.approx(0.75)}
    assert "sst on 75.0% of the points" in caption(found)
    assert found.scores["forecast"]["sst"]["crps"]["24"] > 0
    alone = scored(home, ours(theirs[["t2m"]], tmp_path / "alone.nc"), weather_file).report
    assert found.scores["forecast"]["t2m"] == alone.scores["forecast"]["t2m"]
    assert alone.scored_points == {}


def test_in_the_archive_of_a_system(
    home: Home, ensemble: xr.Dataset, weather_file: Path, tiny: Path, tmp_path: Path
) -> None:
    file = ours(ensemble.isel(init_time=[0]), tmp_path / "theirs.nc")
    system = find_system(str(tiny))
    judge = VerificationRequest(home, analysis=weather_file, system=system, forecaster="theirs", channels=("t2m",))
    assert list(verify(judge, [file]).report.scores["forecast"]) == ["t2m"]
    assert open_score_archive(home.score_archive("tiny"))["sums"]["forecaster"].values.tolist() == ["theirs"]
    with pytest.raises(MissingDataError, match="archive of 'speedy-5p6'"):
        verify(VerificationRequest(home, system=system), [file])


def _hole(forecast: xr.Dataset) -> xr.Dataset:
    forecast["t2m"][0, 1, 1, 2, 3] = np.nan
    return forecast


BAD: list[tuple[Callable[[xr.Dataset], xr.Dataset], str]] = [
    (_hole, r"bad.nc: t2m of member 1 from 2008-01-05T00:00Z at 48 h: expected a value everywhere, found nan"),
    (lambda f: f.isel(latitude=slice(5)), r"bad.nc, bad from 2008-01-05.*: expected 5 along 'latitude'.*found 8"),
    (
        lambda f: f.assign_coords(longitude=f["longitude"] + 2),
        "u850: expected the coordinates of the forecast along 'longitude' in the analysis, found",
    ),
    (lambda f: f.rename(t2m="d2m"), "weather.nc.*d2m"),
    (lambda f: f.isel(init_time=[2]), r"bad.nc: expected an analysis at 2008-02-21.*1 of 2 valid times"),
    (lambda f: f.isel(lead_time=[]), "expected values of lead_time, found none"),
]


@pytest.mark.parametrize(("change", "words"), BAD)
def test_what_cannot_be_scored_is_said_in_one_line(
    home: Home,
    ensemble: xr.Dataset,
    weather_file: Path,
    tmp_path: Path,
    change: Callable[[xr.Dataset], xr.Dataset],
    words: str,
) -> None:
    file = ours(change(ensemble.copy(deep=True)), tmp_path / "bad.nc")
    with pytest.raises(PlumecastError) as caught:
        scored(home, file, weather_file)
    assert re.search(words, str(caught.value)), caught.value
    assert "\n" not in str(caught.value)
    assert not home.score_archive("bad").exists()


def test_damage_is_named(home: Home, ensemble: xr.Dataset, weather_file: Path, tmp_path: Path) -> None:
    store = wb2(ensemble.isel(init_time=[0]), tmp_path / "theirs.zarr")
    chunk = next(path for path in (store / "2m_temperature").iterdir() if not path.name.startswith("."))
    chunk.unlink()
    with pytest.raises(InvalidDataError, match=r"theirs.zarr: 2m_temperature at 2008-01-05.*no chunk 2m_temperature/"):
        scored(home, store, weather_file)


def test_bad_options(home: Home, ensemble: xr.Dataset, weather_file: Path, tmp_path: Path) -> None:
    file = ours(ensemble, tmp_path / "theirs.nc")
    with pytest.raises(ConfigurationError, match="expected an analysis named with --analysis"):
        scored(home, file, None)
    with pytest.raises(ConfigurationError, match=r"--channel: expected one of u850, t2m of .*, found 'z500'"):
        scored(home, file, weather_file, channels=("z500",))
    with pytest.raises(InvalidDataError, match=r"forecaster: expected letters, .* found 'a/b'"):
        scored(home, file, weather_file, forecaster="a/b")
    sizes = [ours(ensemble.isel(init_time=n, member=slice(n + 2)), tmp_path / f"{n}.nc") for n in range(2)]
    with pytest.raises(
        ConfigurationError, match=r"the same number of members .* found 2 from 2008-01-05T00:00Z and 3 from"
    ):
        verify(VerificationRequest(home, analysis=weather_file, forecaster="mixed"), sizes)


def test_command(
    home: Home,
    ensemble: xr.Dataset,
    weather_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("PLUMECAST_HOME", str(home.root))
    file = ours(ensemble, tmp_path / "theirs.nc")
    words = ["verify", str(file), "--analysis", str(weather_file), "--channel", "t2m", "--forecaster", "ifs"]
    assert main([*words, "--scores", str(tmp_path / "kept"), "--out", str(tmp_path / "s.json")]) == 0
    printed = capsys.readouterr()
    assert "theirs: 2 forecasts of 5 members, 2008-01-05 to 2008-01-08; fair CRPS\n" in printed.out
    assert f"Scores: {tmp_path / 's.json'}\nScore archive: {tmp_path / 'kept'}\n" in printed.out
    assert "left out" in printed.err
    assert list(json.loads((tmp_path / "s.json").read_text())["scores"]["forecast"]) == ["t2m"]
    assert open_score_archive(tmp_path / "kept")["sums"]["forecaster"].values.tolist() == ["ifs"]
    assert not home.root.exists()
    assert main([*words[:-1], "i f s"]) == 2
    assert "forecaster: expected letters" in capsys.readouterr().err
