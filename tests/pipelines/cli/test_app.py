"""The command line: exit statuses, and one clear line for each kind of bad input."""

import errno
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from pipelines.cli.app import main
from pipelines.workspace.home import Home

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def _undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.runs.forecast.draw_run", lambda *_: [])


@pytest.fixture
def plumecast(capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*words: object) -> tuple[int, str, str]:
        status = main([str(word) for word in words])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


def complaint(error_output: str) -> str:
    """Return the one line of the error."""
    lines = [line for line in error_output.splitlines() if line.startswith("plumecast: ")]
    assert len(lines) == 1, error_output
    assert "Traceback" not in error_output
    return lines[0].removeprefix("plumecast: ")


def test_help_is_fast_and_lists_every_command() -> None:
    started = time.process_time()
    code = "import sys; from pipelines.cli.app import main; sys.exit(main(['--help']))"
    children = os.times().children_user
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    used = os.times().children_user - children + time.process_time() - started
    for command in [
        "demo",
        "catalog",
        "ingest",
        "train",
        "forecast",
        "evaluate",
        "verify",
        "report",
        "check",
        "cycle",
        "serve",
    ]:
        assert re.search(rf"^  {command} ", done.stdout, re.MULTILINE), command
    assert used < 1.0


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from pipelines.cli.app import main; main(['--help']);"
        "print([name for name in ('torch', 'prefect', 'xarray') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_version(plumecast: Run) -> None:
    status, out, _ = plumecast("--version")
    assert status == 0
    assert re.fullmatch(r"plumecast \d+\.\d+\.\d+\S*\n", out)


def test_ingest_train_forecast_evaluate_verify(
    place: Home, plumecast: Run, tiny: Path, weather_file: Path, tmp_path: Path
) -> None:
    shutil.rmtree(place.checkpoint("tiny"))
    assert plumecast("ingest", "speedy-5p6", "--source", weather_file)[0] == 0
    assert "416 times to 2008-02-20" in plumecast("catalog", "list")[1]
    listed = {entry["name"]: entry for entry in json.loads(plumecast("catalog", "list", "--json")[1])}
    assert listed["speedy-5p6"]["archive"].startswith("416 times to 2008-02-20")
    assert listed["erai-sweurope"]["channels"] == ["z500", "t850", "msl"]
    assert "faults       none" in plumecast("catalog", "show", "speedy-5p6", "--deep")[1]
    assert plumecast("train", tiny, "--iterations", 2, "--device", "cpu")[0] == 0
    status, out, _ = plumecast("forecast", tiny, "--init", "2008-01-05", "--members", 3, "--lead", "2d")
    assert status == 0
    run = Path(out.strip().removeprefix("Run: "))
    assert (run / "manifest.json").is_file()
    status, out, _ = plumecast(
        "evaluate", tiny, "--every", "12d", "--members", 3, "--lead", "48h", "--out", tmp_path / "s.json"
    )
    assert status == 0
    assert "skill/climatology" in out
    evaluation = json.loads((tmp_path / "s.json").read_text())
    documented = ["system", "model_id", "period", "initialisations", "members", "scores"]
    assert list(evaluation) == [*documented, "starts", "format"]
    assert (evaluation["initialisations"], evaluation["members"]) == (5, 3)
    assert evaluation["period"] == ["2008-01-01", "2008-02-20"]
    assert set(evaluation["scores"]) == {"plumecast", "climatology", "persistence", "linear", "analogue"}
    assert set(evaluation["scores"]["plumecast"]["msl"]["crps"]) == {"24", "48"}
    assert evaluation["scores"]["persistence"]["msl"]["crps"]["24"] is None
    status, out, _ = plumecast("verify", run, "--out", tmp_path / "v.json", "--json")
    assert status == 0
    scores = json.loads((run / "scores.json").read_text())
    assert scores == json.loads((tmp_path / "v.json").read_text()) == json.loads(out)
    assert plumecast("report", run)[0] == 0


def broken(weather_file: Path, path: Path, change: Callable[[xr.Dataset], xr.Dataset]) -> Path:
    with xr.open_dataset(weather_file, engine="netcdf4") as weather:
        change(weather.load()).to_netcdf(path, engine="netcdf4")
    return path


def _nan(weather: xr.Dataset) -> xr.Dataset:
    weather["msl"].loc[{"time": "2008-01-10"}] = np.nan
    return weather


def _wrong_units(weather: xr.Dataset) -> xr.Dataset:
    weather["msl"].attrs["units"] = "K"
    return weather


FILES: list[tuple[Callable[[xr.Dataset], xr.Dataset], str]] = [
    (lambda weather: weather.drop_vars("msl"), "msl"),
    (_wrong_units, "msl.*Pa"),
    (_nan, "msl.*2008-01-10"),
    (lambda weather: weather.isel(time=[0, 1, 1, 2]), "time"),
    (lambda weather: weather.isel(time=[0, 2, 1, 3]), "time"),
]


@pytest.mark.parametrize(("change", "words"), FILES, ids=["missing variable", "units", "nan", "twice", "unsorted"])
def test_bad_analysis(
    place: Home,
    plumecast: Run,
    tiny: Path,
    weather_file: Path,
    tmp_path: Path,
    change: Callable[[xr.Dataset], xr.Dataset],
    words: str,
) -> None:
    path = broken(weather_file, tmp_path / "bad.nc", change)
    status, _, err = plumecast("forecast", tiny, "--init", "2008-01-10", "--analysis", path)
    assert status == 2
    assert re.search(words, complaint(err))
    assert not (place.runs / "tiny").exists()


def test_reversed_latitude_is_handled(
    place: Home, plumecast: Run, tiny: Path, weather_file: Path, tmp_path: Path
) -> None:
    path = broken(weather_file, tmp_path / "reversed.nc", lambda weather: weather.isel(latitude=slice(None, None, -1)))
    assert plumecast("forecast", tiny, "--init", "2008-01-10", "--analysis", path)[0] == 0


def test_wrong_arguments(place: Home, plumecast: Run, tiny: Path, weather_file: Path, tmp_path: Path) -> None:
    there = ("--analysis", weather_file)
    odd = tmp_path / "odd.toml"
    odd.write_text(tiny.read_text() + "\n[schedule]\ncrom = '* * * * *'\n")
    not_toml = tmp_path / "not.toml"
    not_toml.write_text("name = ")
    for words, expected in (
        (("forecast", "nowhere", "--init", "2008-01-10"), "era5-0p25, era5-1p5, era5-5p6, erai-sweurope"),
        (("forecast", odd, "--init", "2008-01-10", *there), "schedule.crom"),
        (("forecast", not_toml, "--init", "2008-01-10", *there), "expected TOML"),
        (("forecast", tiny, "--init", "yesterday", *there), "--init: expected an ISO time"),
        (("forecast", tiny, "--init", "2008-01-10", "--lead", "soon", *there), "--lead: expected a duration"),
        (("forecast", tiny, "--init", "2008-01-10", "--lead", "30h", *there), "multiple of the forecast's step"),
        (("forecast", tiny, "--init", "2008-01-10", "--analysis", tmp_path / "none.nc"), "none.nc"),
        (("forecast", tiny, "--init", "1999-01-10", *there), "1999-01-10"),
        (("forecast", tiny, "--init", "2008-01-10", "--checkpoint", tmp_path, *there), "checkpoint"),
        (("forecast", tiny, "--init", "2008-01-10", "--device", "abacus", *there), "abacus"),
        (("forecast", tiny, "--init", "2008-01-10", "--members", "0", *there), "--members"),
        (("forecast", tiny), "Missing option '--init' (see 'plumecast forecast --help')"),
        (("verify", tmp_path / "nothing.nc", "--analysis", weather_file), "nothing.nc"),
        (("report", tmp_path), "run directory"),
        (("ingest", "nothing"), "nothing"),
        (("ingest", "ncep-natlantic"), "--source"),
        (("train", tiny, *there), "--resume"),
        (("conjure",), "No such command 'conjure' (see 'plumecast --help')"),
    ):
        status, _, err = plumecast(*words)
        assert expected in complaint(err), words
        assert status == (3 if "nothing.nc" in expected else 2), (words, err)


def test_a_region_is_pretrained_on_a_global_archive(
    place: Home, plumecast: Run, tiny: Path, weather_file: Path, tmp_path: Path
) -> None:
    system = tmp_path / "region.toml"
    pretraining = '[pretraining]\ndataset = "speedy-5p6"\niterations = 2\nwindow_degrees = 180\n'
    pretraining += "period = { start = 2007-01-01, end = 2007-12-31 }\n\n[training]"
    content = tiny.read_text().replace('name = "tiny"', 'name = "region"').replace('static = ["orography"]\n', "")
    system.write_text(content.replace("[training]", pretraining))
    with xr.open_dataset(weather_file) as globe:
        globe[["msl", "t2m"]].isel(latitude=slice(4, 8), longitude=slice(8)).to_netcdf(tmp_path / "region.nc")
    words = ("train", system, "--analysis", tmp_path / "region.nc", "--device", "cpu")
    status, _, err = plumecast(*words)
    assert status == 3
    assert "pretrained on" in err
    assert "plumecast ingest speedy-5p6" in err
    assert plumecast("ingest", "speedy-5p6", "--source", weather_file)[0] == 0
    assert plumecast(*words)[0] == 0
    assert (place.checkpoint("region") / "pretraining" / "model.json").is_file()


def test_pretraining_on_test_days_is_refused(
    place: Home, plumecast: Run, tiny: Path, weather_file: Path, tmp_path: Path
) -> None:
    system = tmp_path / "leaking.toml"
    pretraining = (
        '[pretraining]\ndataset = "speedy-5p6"\nperiod = { start = 2008-02-01, end = 2008-12-31 }\n\n[training]'
    )
    system.write_text(tiny.read_text().replace("[training]", pretraining))
    status, _, err = plumecast("train", system, "--analysis", weather_file, "--out", tmp_path / "out")
    assert status == 2
    assert "pretraining.period: expected days outside the test period 2008-01-01" in complaint(err)


def test_missing_data_is_status_3(place: Home, plumecast: Run, tiny: Path, weather_file: Path) -> None:
    status, _, err = plumecast("forecast", tiny, "--init", "2008-02-21", "--analysis", weather_file)
    assert status == 3
    assert "2008-02-21" in complaint(err)
    status, _, err = plumecast("forecast", tiny, "--init", "2008-02-10")
    assert status == 3
    assert "plumecast ingest speedy-5p6" in complaint(err)


def test_checkpoint_of_another_system(
    place: Home, plumecast: Run, tiny: Path, weather_file: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.toml"
    other.write_text(tiny.read_text().replace('["msl", "t2m"]', '["msl", "z500", "t2m"]'))
    status, _, err = plumecast("forecast", other, "--init", "2008-01-10", "--analysis", weather_file)
    assert status == 2
    assert "expected predictands msl, z500, t2m of 'tiny', found msl, t2m" in complaint(err)


def test_truncated_archive_chunk(place: Home, plumecast: Run, tiny: Path, weather_file: Path) -> None:
    plumecast("ingest", "speedy-5p6", "--source", weather_file)
    archive = place.archive("speedy-5p6")
    for chunk in (archive / "msl").glob("c.*"):
        chunk.write_bytes(chunk.read_bytes()[:-20])
    status, _, err = plumecast("forecast", tiny, "--init", "2008-01-10")
    assert status == 2
    assert re.search(r"speedy-5p6\.zarr.*msl", complaint(err))


def test_changed_run_is_refused(place: Home, plumecast: Run, tiny: Path, weather_file: Path) -> None:
    _, out, _ = plumecast("forecast", tiny, "--init", "2008-01-10", "--analysis", weather_file)
    run = Path(out.strip().removeprefix("Run: "))
    path = run / "tiny_20080110T0000Z_products.nc"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    for command in ("report", "verify"):
        status, _, err = plumecast(command, run)
        assert status == 2
        assert "tiny_20080110T0000Z_products.nc: changed since it was published" in complaint(err)
    assert not list(place.score_archive("tiny").glob("*"))


def test_runs_are_checked_to_the_last(place: Home, plumecast: Run, tiny: Path, weather_file: Path) -> None:
    made = [
        plumecast("forecast", tiny, "--init", day, "--analysis", weather_file)[1]
        for day in ("2008-01-10", "2008-01-11")
    ]
    first, second = (Path(out.strip().removeprefix("Run: ")) for out in made)
    status, out, _ = plumecast("check", first, second)
    assert (status, out.count("as published, 4 members to 72 h")) == (0, 2)
    edited = json.loads((first / "manifest.json").read_text()) | {"model_id": "another"}
    (first / "manifest.json").write_text(json.dumps(edited))
    status, out, err = plumecast("check", first, second)
    assert status == 2
    assert "expected model_id" in out.splitlines()[0]
    assert "as published" in out.splitlines()[1]
    assert "check: expected 2 runs as published, found 1 that are not" in complaint(err)
    assert plumecast("check", place.root)[0] == 2


def test_unwritable_disk(
    place: Home, plumecast: Run, tiny: Path, weather_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for code in (errno.ENOSPC, errno.EROFS):

        def refuse(*_: object, code: int = code) -> None:
            raise OSError(code, os.strerror(code), str(place.runs))

        monkeypatch.setattr("pipelines.runs.staging.begin", refuse)
        status, _, err = plumecast("forecast", tiny, "--init", "2008-01-10", "--analysis", weather_file)
        assert status == 2
        assert str(place.runs) in complaint(err)


def test_full_disk_in_a_process_of_its_own(
    tiny: Path, tiny_checkpoint: Path, weather_file: Path, tmp_path: Path
) -> None:
    """A limit on file sizes is the closest to a full disk that a test gets without being root."""
    code = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096));"
        "from pipelines.cli.app import main; sys.exit(main(sys.argv[1:]))"
    )
    words = ["forecast", tiny, "--init", "2008-01-10", "--analysis", weather_file, "--checkpoint", tiny_checkpoint]
    environment = {**os.environ, "PLUMECAST_HOME": str(tmp_path)}
    command = [sys.executable, "-c", code, *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 2, done.stderr
    complaint(done.stderr)
    assert not [path for path in (tmp_path / "runs").glob("tiny/*") if not path.name.endswith(".log.jsonl")]


def test_traceback_only_with_debug(plumecast: Run) -> None:
    assert "Traceback" not in plumecast("forecast", "nowhere", "--init", "2008-01-10")[2]
    assert "Traceback" in plumecast("forecast", "nowhere", "--init", "2008-01-10", "--debug")[2]


def test_control_c_is_reported(plumecast: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_given: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("pipelines.cli.doctor.examine", interrupted)
    status, _, err = plumecast("doctor")
    assert status == 130
    assert "plumecast: interrupted; the same command continues where it stopped, 'train' with --resume" in err
