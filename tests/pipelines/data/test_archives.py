"""Archives proved and mended from the command line."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import plumecast
from data_catalog.layout.variables import channel
from data_catalog.storage.folders import folder_at
from pipelines.cli.app import main


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Ten days of the North Atlantic, archived."""
    monkeypatch.setenv("PLUMECAST_HOME", str(tmp_path))
    monkeypatch.setattr("os.fsync", lambda descriptor: None)
    times = np.datetime64("2001-01-01", "ns") + np.arange(10) * np.timedelta64(1, "D")
    values = np.random.default_rng(0).uniform(98e3, 103e3, (10, 17, 33)).astype("f4")
    places = {"time": times, "latitude": np.linspace(30, 70, 17), "longitude": np.linspace(-70, 10, 33)}
    weather = xr.Dataset({"msl": (("time", "latitude", "longitude"), values, channel("msl").attributes)}, places)
    weather.to_netcdf(tmp_path / "slp.nc", engine="netcdf4")
    assert main(["ingest", "ncep-natlantic", "--source", str(tmp_path / "slp.nc")]) == 0
    return tmp_path / "slp.nc"


def test_an_archive_is_proved_damaged_and_mended(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    archive = source.parent / "archives" / "ncep-natlantic.zarr"
    assert main(["archive", "verify", "ncep-natlantic"]) == 0
    assert "sound, every byte read" in capsys.readouterr().out
    (archive / "latitude" / "c.0").unlink()
    (archive / "msl" / "c.0.0.0").write_bytes(b"")
    assert main(["archive", "verify", "ncep-natlantic"]) == 2
    said = capsys.readouterr()
    assert len(said.out.splitlines()) == 2
    assert said.err.rstrip().endswith("expected no faults, found 2; 'plumecast archive heal ncep-natlantic' mends them")
    assert main(["archive", "heal", "ncep-natlantic"]) == 2
    assert "expected --source PATH_OR_URL, found none" in capsys.readouterr().err
    assert main(["archive", "heal", "ncep-natlantic", "--source", str(source)]) == 0
    assert "sound, 2 faults mended" in capsys.readouterr().out
    assert main(["archive", "verify", "ncep-natlantic"]) == 0


def test_a_damaged_twin_is_told_and_mended_from_the_archive(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["archive", "rechunk", "ncep-natlantic"]) == 0
    twin = source.parent / "archives" / "ncep-natlantic.series.zarr"
    whole = (twin / "time" / "c.0").read_bytes()
    (twin / "time" / "c.0").write_bytes(whole[:-1])
    capsys.readouterr()
    assert main(["archive", "verify", "ncep-natlantic"]) == 2
    said = capsys.readouterr()
    assert said.out.startswith(f"{twin / 'time' / 'c.0'}: expected sha256")
    assert "found 1; 'plumecast archive heal ncep-natlantic' mends them" in said.err
    assert main(["archive", "heal", "ncep-natlantic"]) == 0
    assert (twin / "time" / "c.0").read_bytes() == whole
    assert main(["archive", "verify", "ncep-natlantic"]) == 0


def test_an_archive_is_copied_to_object_storage_and_read_there(
    source: Path, bucket: str, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"{bucket}/archives/ncep-natlantic.zarr"
    assert main(["archive", "copy", "ncep-natlantic", url]) == 0
    assert f"{url}: as {source.parent / 'archives' / 'ncep-natlantic.zarr'}, 1 chunks and fields sent" in (
        capsys.readouterr().out
    )
    assert main(["archive", "verify", "ncep-natlantic", "--archive", url]) == 0
    assert f"{url}: sound, every byte read" in capsys.readouterr().out
    assert main(["archive", "report", "ncep-natlantic", "--archive", url, "--out", str(source.parent / "a.html")]) == 0
    at_home, there = plumecast.open_archive("ncep-natlantic"), plumecast.open_archive(url)
    xr.testing.assert_identical(there.compute(), at_home.compute())
    other = str(source.parent / "other.zarr")
    assert main(["ingest", "ncep-natlantic", "--source", url, "--archive", other]) == 0
    xr.testing.assert_equal(plumecast.open_archive(other).compute(), at_home.compute())
    folder_at(url).write("msl/c.0.0.0", b"other")
    capsys.readouterr()
    assert main(["archive", "verify", "ncep-natlantic", "--archive", url]) == 2
    said = capsys.readouterr()
    assert said.out.startswith(f"{url}/msl/c.0.0.0: msl at 2001-01-01")
    assert f"'plumecast archive copy ncep-natlantic {url} --prove' sends them again" in said.err
    assert main(["archive", "copy", "ncep-natlantic", url, "--prove"]) == 0
    assert main(["archive", "verify", "ncep-natlantic", "--archive", url]) == 0


def test_an_archive_in_object_storage_is_written_to_and_mended(
    source: Path, bucket: str, capsys: pytest.CaptureFixture[str]
) -> None:
    url, at_home = f"{bucket}/archives/there.zarr", plumecast.open_archive("ncep-natlantic").compute()
    words = ["ncep-natlantic", "--source", str(source), "--archive", url]
    assert main(["ingest", *words, "--end", "2001-01-04"]) == 0
    assert f"{url}: 4 times added" in capsys.readouterr().out
    assert plumecast.open_archive(url).sizes["time"] == 4
    assert main(["ingest", *words]) == 0
    assert "6 times added, 4 known" in capsys.readouterr().out
    xr.testing.assert_identical(plumecast.open_archive(url).compute(), at_home)
    folder_at(url).write("msl/c.0.0.0", b"other")
    folder_at(url).delete(["ledger.jsonl", "latitude/c.0"])
    capsys.readouterr()
    assert main(["archive", "heal", *words]) == 0
    said = capsys.readouterr().out
    assert f"mended: {url}/msl/c.0.0.0: msl at 2001-01-01" in said
    assert "working-copies" not in said
    assert main(["archive", "verify", "ncep-natlantic", "--archive", url]) == 0
    xr.testing.assert_identical(plumecast.open_archive(url).compute(), at_home)
    assert not list((source.parent / "working-copies").rglob("*.zarr"))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["ingest", "ncep-natlantic", "--archive", "https://host/a.zarr"], "a directory or a URL of s3, gs or az"),
        (
            ["archive", "rechunk", "ncep-natlantic", "--archive", "s3://bucket/a.zarr"],
            "'plumecast archive copy' brings",
        ),
        (["archive", "heal", "ncep-natlantic", "--archive", "s3://key:word@bucket/a.zarr"], "without user, password"),
        (["archive", "copy", "ncep-natlantic", "bucket/a.zarr"], "archive copy: expected s3://BUCKET/PREFIX"),
        (["archive", "verify", "ncep-natlantic", "--archive", "http://host/a"], "a URL of s3, gs or az"),
    ],
)
def test_other_places_are_refused(
    source: Path, words: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    assert expected in capsys.readouterr().err


def test_corrections_of_the_source_are_taken_on_request(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with xr.open_dataset(source, engine="netcdf4") as weather:
        corrected = weather.load()
    corrected["msl"][3] += 64
    corrected.to_netcdf(source.with_name("corrected.nc"), engine="netcdf4")
    words = ["ingest", "ncep-natlantic", "--source", str(source.with_name("corrected.nc"))]
    assert main(words) == 2
    assert "differ by up to 64 Pa); 'plumecast ingest ncep-natlantic --replace' takes these" in capsys.readouterr().err
    assert main([*words, "--replace"]) == 0
    assert "0 times added, 10 known, 1 replaced" in capsys.readouterr().out
    assert main(words) == 0
    assert main(["archive", "verify", "ncep-natlantic"]) == 0


def test_an_archive_is_a_source_that_is_checked(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    archive = source.parent / "archives" / "ncep-natlantic.zarr"
    copy = source.parent / "copy.zarr"
    words = ["ingest", "ncep-natlantic", "--source", str(archive), "--archive", str(copy)]
    assert main(words) == 0
    (archive / "ledger.jsonl").unlink()
    assert main(words) == 2
    assert "expected the archive's ledger.jsonl, found none" in capsys.readouterr().err
