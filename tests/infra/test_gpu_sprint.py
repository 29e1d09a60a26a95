"""What a GPU sprint is made of: its system is speedy-5p6's recipe, its weather fits, and it says what is missing."""

import json
import os
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from data_catalog.bundled import SPEEDY_SAMPLE
from forecast.system.reading import read_system
from pipelines.workspace.systems import find_system

sys.path.insert(0, str(Path(__file__).parents[2] / "infra" / "gpu"))
import missing_packages  # scripts of infra/gpu, which is no package
import pack_weather
import train_large

FOLDER = Path(__file__).parents[2] / "infra" / "gpu"


def _run(script: str, *words: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHON": sys.executable}
    return subprocess.run(
        ["bash", str(FOLDER / script), *words], capture_output=True, text=True, env=environment, check=False
    )


def test_the_system_is_the_recipe_of_speedy_but_for_its_size(tmp_path: Path) -> None:
    path = tmp_path / "large.toml"
    train_large.write_system(path, (160, 272), train_large.RECIPE, compiled=True, tiny=False)
    large, small = read_system(path), find_system("speedy-5p6")
    assert large.network == small.network.changed(widths=[160, 272])
    assert (large.state, large.anchor, large.diffusion) == (small.state, small.anchor, small.diffusion)
    assert large.sampler.changed(noise_inflation=small.sampler.noise_inflation) == small.sampler
    sizes = {"batch_size", "ema_halflife_samples", "networks", "compiled", "checkpoint_minutes"}
    options = small.training.model_dump()
    assert {name for name, value in large.training.model_dump().items() if value != options[name]} == sizes
    for ours, theirs in zip(large.finetuning, small.finetuning, strict=True):
        assert ours.changed(batch_size=theirs.batch_size) == theirs
    assert large.periods.training.end < large.periods.validation.start
    assert large.periods.validation.end < large.periods.test.start == small.periods.test.start


def test_the_dry_run_has_its_sizes(tmp_path: Path) -> None:
    path = tmp_path / "tiny.toml"
    train_large.write_system(path, (8, 12), (4, 3, 2), compiled=False, tiny=True)
    content = tomllib.loads(path.read_text())
    assert [content["training"]["iterations"], *(each["iterations"] for each in content["finetuning"])] == [4, 3, 2]
    assert not content["training"]["compiled"]
    assert read_system(path).training.batch_size == 4


@pytest.mark.parametrize(
    ("compiled", "faster"),
    [({"samples_per_second": 20.0}, True), ({"samples_per_second": 5.0}, False), ({"failed": "no compiler"}, False)],
)
def test_compiles_only_if_that_was_faster(compiled: dict[str, object], faster: bool, tmp_path: Path) -> None:
    figures = tmp_path / "gpu.json"
    assert not train_large.is_faster_compiled(figures)
    eager = {"system": "speedy-5p6", "compiled": False, "samples_per_second": 10.0}
    other = {"system": "era5-1p5", "compiled": True, "samples_per_second": 99.0}
    rows = [eager, {"system": "speedy-5p6", "compiled": True} | compiled, other]
    figures.write_text(json.dumps({"training": rows}))
    assert train_large.is_faster_compiled(figures) == faster


def _years(folder: Path, *years: int) -> Path:
    folder.mkdir()
    with xr.open_dataset(SPEEDY_SAMPLE, engine="netcdf4") as sample:
        days = sample[["z500", "tp24", "lsm"]].isel(time=slice(0, 40)).load()
    for year in years:
        shifted = days.assign_coords(time=days["time"] + np.timedelta64((year - 2008) * 366, "D"))
        shifted.drop_encoding().to_netcdf(folder / f"speedy_{year}.nc", engine="netcdf4")
    return folder


def test_packed_weather_is_within_half_a_step(tmp_path: Path) -> None:
    years = pack_weather.midnights(_years(tmp_path / "years", 2006, 2007, 2008))
    assert list(years) == [2006, 2007]  # never the test year
    step = pack_weather.pack(years, tmp_path / "packed", 1e9)
    assert step == pack_weather.STEPS[0]
    for year, weather in years.items():
        with xr.open_dataset(tmp_path / "packed" / f"{year}.nc", engine="netcdf4") as packed:
            xr.testing.assert_equal(packed["lsm"], weather["lsm"])
            assert float(packed["tp24"].min()) >= 0
            assert bool((packed["tp24"] == 0).where(weather["tp24"] == 0, True).all())
            for name in ("z500", "tp24"):
                values = weather[name]
                allowed = 0.5 * step * float((values - values.mean("time")).std())
                allowed = max(allowed, 0.5 * float(values.max() - values.min()) / 65_000)
                error = float(abs(packed[name].astype("float64") - values).max())
                assert 0 < error < 1.05 * allowed + 2e-7 * float(abs(values).max())


def test_less_room_takes_coarser_steps(tmp_path: Path) -> None:
    years = pack_weather.midnights(_years(tmp_path / "years", 2001))
    pack_weather.pack(years, tmp_path / "fine", 1e9)
    finest = (tmp_path / "fine" / "2001.nc").stat().st_size
    assert pack_weather.pack(years, tmp_path / "coarse", 0.93 * finest) > pack_weather.STEPS[0]
    assert (tmp_path / "coarse" / "2001.nc").stat().st_size <= 0.93 * finest
    with pytest.raises(ValueError, match=r"expected at most 0\.001 MB"):
        pack_weather.pack(years, tmp_path / "none", 1e3)


def test_the_bundle_names_the_years_it_lacks(tmp_path: Path) -> None:
    years = _years(tmp_path / "years", 2001, 2005, 2007)
    found = _run("bundle.sh", str(years), "--first-year", "2004", "--out", str(tmp_path / "bundle"))
    assert found.returncode == 0, found.stderr
    assert "expected years 2004 to 2007 of the nature run, found no 2004, 2006" in found.stdout
    assert sorted(path.name for path in (tmp_path / "bundle" / "weather").iterdir()) == ["2005.nc", "2007.nc"]
    absent = _run("bundle.sh", str(tmp_path / "nowhere"))
    assert absent.returncode == 2
    assert "expected a folder with the years of the nature run" in absent.stderr


def test_a_bundle_with_the_source_stays_within_its_size(tmp_path: Path) -> None:
    years = str(_years(tmp_path / "years", 2006, 2007))
    words = ["bundle.sh", years, "--source", "--out", str(tmp_path / "bundle")]
    found = _run(*words, "--largest-mb", "30")
    assert found.returncode == 0, found.stderr
    with tarfile.open(tmp_path / "bundle" / "source.tar.gz") as archive:
        names = set(archive.getnames())
    needed = {
        "infra/gpu/sprint.sh",
        "benchmarks/gpu.py",
        "tests/gpu/conftest.py",
        "pyproject.toml",
        "plumecast/__init__.py",
    }
    assert {f"plumecast/{name}" for name in needed} < names
    assert any(name.endswith(Path(SPEEDY_SAMPLE).name) for name in names)
    pretrained = {name.split("/")[3] for name in names if name.startswith("plumecast/forecast/pretrained/")}
    assert pretrained == {"speedy-5p6"}
    size = sum(path.stat().st_size for path in (tmp_path / "bundle").rglob("*") if path.is_file())
    assert size < 30e6
    source = (tmp_path / "bundle" / "source.tar.gz").stat().st_size / 1e6
    crowded = _run(*words, "--largest-mb", f"{source + 0.1:.1f}")
    assert crowded.returncode == 2
    assert "found more with the coarsest step; take fewer years" in crowded.stderr


def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert missing_packages.missing() == []
    monkeypatch.setitem(missing_packages.NEEDED, "no_such_module", "no-such-package")
    assert missing_packages.missing() == ["no-such-package"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--minutes", "soon"], "--minutes: expected a whole number above 0, found soon"),
        (["--hours", "1"], "expected --minutes N, --out DIR, --bundle DIR or --dry-run, found --hours"),
    ],
)
def test_a_sprint_refuses_other_options(words: list[str], message: str, tmp_path: Path) -> None:
    found = _run("sprint.sh", *words, "--out", str(tmp_path))
    assert found.returncode == 2
    assert message in found.stderr
