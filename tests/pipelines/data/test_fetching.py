"""Forecasts of a centre fetched from a replica of its store: values of its messages, in a file that verify takes."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from data_catalog.sources.ecmwf_open_data import file_path, index_path
from data_catalog.sources.gefs import gefs_addresses
from forecast.products.files.forecast_reading import open_forecast
from pipelines.cli.app import main
from tests.data_catalog.sources.grib.serving import Served, serving
from tests.data_catalog.sources.grib.writing import LATITUDE, LONGITUDE, message, weather

LEADS = (24, 48)
OLD, NEW = np.datetime64("2026-05-11T00"), np.datetime64("2026-05-20T12")
"""Before and after the control forecast became the high-resolution one."""


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.setenv("PLUMECAST_PATIENCE", "3")
    monkeypatch.setenv("PLUMECAST_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("data_catalog.storage.patience.Patience.waits", lambda self: iter([0.01] * 100))
    (tmp_path / "store").mkdir()
    with serving(tmp_path / "store") as served:
        yield served


def value(name: str, lead: int, member: int) -> np.ndarray:
    """Values of a message, from north to south."""
    return weather(name, LATITUDE[:, None], LONGITUDE, lead / 24 + 0.25 * member)


def coded(name: str, start: np.datetime64, lead: int, member: int | None, kind: str) -> bytes:
    day, hour = int(str(start.astype("M8[D]")).replace("-", "")), int(start.astype("M8[h]").astype(int) % 24)
    own = {} if member is None else {"productDefinitionTemplateNumber": 1}
    own |= {"dataDate": day, "dataTime": 100 * hour, "dataType": kind, "step": lead}
    own |= {"number": member} if member is not None else {}
    on_level = {"sample": "regular_ll_pl", "level": 850} if name == "t" else {}
    return message(name, values=value(name, lead, member or 0), **on_level, **own)


def put(root: Path, path: str, start: np.datetime64, lead: int, members: list[tuple[int | None, str]]) -> None:
    """Write a file of ECMWF's store and its index, with a field that nobody asks for in front."""
    content, lines = b"", []
    for number, kind in members:
        for name in ("2t", "t", "msl"):
            one = coded(name, start, lead, number, kind)
            keys: dict[str, object] = {"param": name, "levtype": "pl" if name == "t" else "sfc", "type": kind}
            keys |= {"levelist": "850"} if name == "t" else {}
            keys |= {"number": str(number)} if kind == "pf" else {}
            lines.append(json.dumps(keys | {"_offset": len(content), "_length": len(one)}))
            content += one
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_bytes(content)
    (root / index_path(path)).write_text("\n".join(lines) + "\n")


def put_ensemble(root: Path, start: np.datetime64, members: int) -> None:
    perturbed: list[tuple[int | None, str]] = [(number, "pf") for number in range(1, members)]
    for lead in LEADS:
        before = start == OLD
        control: list[tuple[int | None, str]] = [(0, "cf")] if before else [(None, "fc")]
        put(root, file_path(start, lead, kind="members"), start, lead, [*(control if before else ()), *perturbed])
        if not before:
            put(root, file_path(start, lead, kind="control"), start, lead, control)


def fetched(served: Served, out: Path, *words: str, dataset: str = "ifs-0p25") -> int:
    usual = ["--lead", "2d", "--channel", "t850", "--channel", "t2m", "--source", served.url, "--out", str(out)]
    return main(["fetch", dataset, *usual, *words])


@pytest.mark.parametrize("start", [OLD, NEW])
def test_an_ensemble_has_the_values_of_its_messages(
    store: Served, tmp_path: Path, start: np.datetime64, capsys: pytest.CaptureFixture[str]
) -> None:
    put_ensemble(store.root, start, 5)
    out = tmp_path / "ens.nc"
    assert fetched(store, out, "--init", str(start), "--members", "4") == 0
    assert f"{out}: t850, t2m from {start}:00Z, 4 members, 2 lead times to 48 h" in capsys.readouterr().out
    found = open_forecast(out)
    assert found["t850"].dims == ("member", "lead_time", "latitude", "longitude")
    assert found["init_time"].values == start
    assert found["member"].values.tolist() == [0, 1, 2, 3]
    for name, spelled in (("t850", "t"), ("t2m", "2t")):
        for member in range(4):
            for number, lead in enumerate(LEADS):
                expected = value(spelled, lead, member)[::-1]
                np.testing.assert_allclose(found[name][member, number], expected, atol=2e-3)
    assert store.most_at_once <= 8
    asked = sum(length for path, _, length in store.ranges if path.endswith("grib2"))
    assert asked < 2 * sum(path.stat().st_size for path in store.root.rglob("*.grib2")), "only what is wanted"


def test_a_fetched_file_is_verified(store: Served, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put_ensemble(store.root, NEW, 4)
    out, truth = tmp_path / "ens.nc", tmp_path / "analysis.nc"
    assert fetched(store, out, "--init", str(NEW), "--members", "4") == 0
    times = (NEW + np.array(LEADS)).astype("M8[ns]")
    values = np.stack([value("2t", lead, 1)[::-1] for lead in LEADS]).astype(np.float32)
    grid = {"time": times, "latitude": LATITUDE[::-1], "longitude": LONGITUDE}
    xr.Dataset({"t2m": (("time", "latitude", "longitude"), values, {"units": "K"})}, grid).to_netcdf(truth)
    scores = tmp_path / "scores.json"
    words = ["verify", str(out), "--analysis", str(truth), "--channel", "t2m", "--out", str(scores)]
    assert main(words) == 0, capsys.readouterr().err
    found = json.loads(scores.read_text())["scores"]["forecast"]["t2m"]
    # Members 0, 0.25, 0.5 and 0.75 above the first; the analysis is the second.
    np.testing.assert_allclose(found["rmse"]["24"], 0.125, atol=2e-3)


def test_the_single_forecast_and_faults_on_the_way(store: Served, tmp_path: Path) -> None:
    for lead in LEADS:
        put(store.root, file_path(NEW, lead), NEW, lead, [(None, "fc")])
    store.faults = [503, b"<html>", 429]
    out = tmp_path / "hres.nc"
    assert fetched(store, out, "--init", str(NEW)) == 0
    assert not store.faults
    found = open_forecast(out)
    np.testing.assert_allclose(found["t2m"][0, 1], value("2t", 48, 0)[::-1], atol=2e-3)
    assert fetched(store, out, "--init", str(NEW)) == 2, "nothing is overwritten"


def test_a_fetch_that_was_interrupted_goes_on(store: Served, tmp_path: Path) -> None:
    put_ensemble(store.root, NEW, 3)
    lost = store.root / file_path(NEW, 48, kind="members")
    content, out = lost.read_bytes(), tmp_path / "ens.nc"
    lost.unlink()
    words = ["--init", str(NEW), "--members", "3"]
    assert fetched(store, out, *words) == 3
    assert not out.exists()
    assert len(list(tmp_path.glob(".ens.nc.parts/*"))) == 2
    lost.write_bytes(content)
    damaged = min(tmp_path.glob(".ens.nc.parts/*-t2m-24.part"))
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"?")
    asked = []
    for path in (out, tmp_path / "anew.nc"):
        store.ranges.clear()
        assert fetched(store, path, *words) == 0
        asked.append(sum(path.endswith("grib2") and "-24h-" in path for path, *_ in store.ranges))
    assert asked[1] - asked[0] == 3, "of the first lead time, only the damaged field of each member was asked for again"
    found = open_forecast(out)
    for number, lead in enumerate(LEADS):
        np.testing.assert_allclose(found["t850"][2, number], value("t", lead, 2)[::-1], atol=2e-3)
        np.testing.assert_allclose(found["t2m"][1, number], value("2t", lead, 1)[::-1], atol=2e-3)
    assert [path.name for path in tmp_path.glob(".*")] == []


def test_members_of_noaa_lie_in_files_of_their_own(store: Served, tmp_path: Path) -> None:
    for member in range(3):
        for lead in LEADS:
            path = gefs_addresses(NEW, member, lead)[0].path
            one = coded("2t", NEW, lead, member, "pf" if member else "cf")
            (store.root / path).parent.mkdir(parents=True, exist_ok=True)
            (store.root / path).write_bytes(one)
            line = f"1:0:d=2026052012:TMP:2 m above ground:{lead} hour fcst:ENS=x\n"
            (store.root / f"{path}.idx").write_text(line)
    out = tmp_path / "gefs.nc"
    words = ["fetch", "gefs-0p5", "--init", str(NEW), "--lead", "48h", "--channel", "t2m", "--members", "3"]
    assert main([*words, "--source", store.url, "--out", str(out)]) == 0
    np.testing.assert_allclose(open_forecast(out)["t2m"][2, 0], value("2t", 24, 2)[::-1], atol=2e-3)


def test_amounts_of_members_have_bounds_and_the_planted_values(store: Served, tmp_path: Path) -> None:
    for lead in LEADS:
        for member in range(2):
            path, content, lines = store.root / gefs_addresses(NEW, member, lead)[0].path, b"", ""
            own = {"dataDate": 20260520, "dataTime": 1200, "dataType": "pf" if member else "cf"}
            own |= {"productDefinitionTemplateNumber": 11, "number": member, "paramId": 228228, "stepType": "accum"}
            planted = np.full((4, 6), float(lead + member))
            content = message("tp", values=planted, **own, stepRange=f"{lead - 24}-{lead}")
            lines = f"1:0:d=2026052012:APCP:surface:{lead // 24 - 1}-{lead // 24} day acc fcst:ENS=x\n"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            Path(f"{path}.idx").write_text(lines)
    out = tmp_path / "amounts.nc"
    words = ["fetch", "gefs-0p5", "--init", str(NEW), "--lead", "48h", "--every", "24h", "--members", "2"]
    assert main([*words, "--channel", "tp24", "--source", store.url, "--out", str(out)]) == 0
    found = open_forecast(out)["tp24"]
    for member in range(2):
        np.testing.assert_allclose(found[member].mean(("latitude", "longitude")), np.add(LEADS, member), rtol=1e-5)
    with xr.open_dataset(out, decode_timedelta=False) as raw:
        assert raw["tp24"].attrs["units"] == "kg m-2"
        assert raw["tp24"].attrs["cell_methods"] == "time: sum"
        ends = NEW.astype("M8[ns]") + np.array(LEADS) * np.timedelta64(1, "h")
        np.testing.assert_array_equal(raw["time"], ends)
        np.testing.assert_array_equal(raw["time_bnds"], np.stack([ends - np.timedelta64(24, "h"), ends], 1))
    both = [*words, "--channel", "tp24", "--channel", "tp6", "--source", store.url, "--out", str(tmp_path / "b.nc")]
    assert main(both) == 2


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["--init", "2026-05-20T12"], 3, "expected the forecast from 2026-05-20T12:00Z at 24 h, found none"),
        (["--init", "2026-05-20T13"], 2, "--init: expected 00, 06, 12 or 18 UTC"),
        (["--init", "2026-05-20T12", "--members", "52"], 2, "--members: expected 2 to 51, found 52"),
        (["--init", "2026-05-20T12", "--members", "many"], 2, "expected all or a number of an ensemble, found 'many'"),
        (
            ["--init", "2026-05-20T12", "--every", "1h"],
            2,
            "lead times every 3 h up to 144 h, then every 6 h, found 1 h",
        ),
        (
            ["--init", "2026-05-20T12", "--channel", "lsm"],
            2,
            "expected fields of a moment or precipitation over some hours, found lsm",
        ),
    ],
)
def test_what_cannot_be_fetched_is_named(
    store: Served, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], status: int, said: str
) -> None:
    assert fetched(store, tmp_path / "out.nc", *words) == status
    assert said in capsys.readouterr().err
    assert not list(tmp_path.glob("*.nc"))
    assert fetched(store, tmp_path / "out.nc", "--init", "2026-05-20T12", dataset="speedy-5p6") == 2


def test_a_lacking_member_is_named(store: Served, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put_ensemble(store.root, NEW, 3)
    assert fetched(store, tmp_path / "out.nc", "--init", str(NEW), "--members", "5") == 2
    assert "expected member 3, found 2 others" in capsys.readouterr().err
