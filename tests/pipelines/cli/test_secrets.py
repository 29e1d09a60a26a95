"""Credentials in URLs are never shown, wherever a URL can be given."""

import logging
from pathlib import Path

import pytest

from pipelines.cli.app import main

URL = "http://bob:s3cretpw@127.0.0.1:9/x.zarr?sig=TOKEN123"
PLACES = [
    ["ingest", "era5-5p6", "--source", URL],
    ["ingest", "ncep-natlantic", "--source", URL, "--debug"],
    ["ingest", "era5-5p6", "--source", URL.replace("http", "gopher")],
    ["ingest", "era5-5p6", "--source", URL.replace("x.zarr", "x.nc").replace("?sig=TOKEN123", "#TOKEN123")],
    ["archive", "heal", "era5-5p6", "--source", URL],
    ["evaluate", "speedy-5p6", "--analysis", URL, "--out", "s.json"],
    ["forecast", "speedy-5p6", "--init", "2008-07-01", "--analysis", URL],
    ["verify", URL, "--analysis", URL],
    ["verify", "absent.nc", "--analysis", URL],
    ["ingest", URL],
    ["train", URL],
    ["report", URL],
    ["check", URL],
    ["archive", "copy", "speedy-5p6", URL.replace("http", "s3")],
    ["archive", "verify", "speedy-5p6", "--archive", URL],
    ["publish", ".", "--to", URL.replace("http", "s3")],
]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    before = logging.getLogRecordFactory()
    monkeypatch.setattr("logging._logRecordFactory", before)  # the command line sets another
    monkeypatch.setenv("PLUMECAST_HOME", str(tmp_path))
    monkeypatch.setenv("PLUMECAST_PATIENCE", "0")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("words", PLACES, ids=lambda words: " ".join(words[:2])[:20])
def test_no_credentials_are_shown(
    words: list[str], home: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    assert main(words) in (2, 3)
    captured = capsys.readouterr()
    shown = captured.out + captured.err + caplog.text + "".join(map(str, home.rglob("*")))
    assert "s3cretpw" not in shown
    assert "TOKEN123" not in shown


def test_the_location_of_a_dataset_file_is_shown_without_credentials(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "datasets").mkdir()
    (home / "datasets" / "mine.toml").write_text(
        f'name = "mine"\ntitle = "Mine"\nsource = "files"\nlocation = "{URL}"\nchannels = ["msl"]\nstep_hours = 24\n'
        'period_start = 2001-01-01\nlicence = "none"\ndescription = "Mine."\n'
    )
    assert main(["catalog", "show", "mine"]) == 0
    assert main(["ingest", "mine"]) == 3
    captured = capsys.readouterr()
    assert "http://127.0.0.1:9/x.zarr?..." in captured.out
    assert "s3cretpw" not in captured.out + captured.err
    assert "TOKEN123" not in captured.out + captured.err
