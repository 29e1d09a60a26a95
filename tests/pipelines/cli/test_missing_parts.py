"""A base installation, without the modules of any extra: what works, and the errors of the rest."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HIDING = """
import contextlib, io, json, sys

HIDDEN = {"torch", "safetensors", "jaxtyping", "optuna", "prefect", "distributed", "cfgrib", "eccodes", "jcm"}

class Hider:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in HIDDEN:
            raise ModuleNotFoundError(f"No module named '{name}'", name=name)

sys.meta_path.insert(0, Hider())
from pipelines.cli.app import main

told = []
for words in json.loads(sys.argv[1]):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = main(words)
    told.append([status, out.getvalue(), err.getvalue()])
print(json.dumps(told))
"""


def run_without_parts(commands: list[list[str]], home: Path) -> list[tuple[int, str, str]]:
    """Status, stdout and stderr of commands in one process that has none of the extras."""
    done = subprocess.run(
        [sys.executable, "-c", HIDING, json.dumps(commands)],
        capture_output=True,
        text=True,
        check=True,
        cwd=home,
        env={**os.environ, "PLUMECAST_HOME": str(home), "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    return [(status, out, err) for status, out, err in json.loads(done.stdout.splitlines()[-1])]


@pytest.fixture(scope="module")
def base_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("base")


def test_commands_of_a_part_say_what_to_install(base_home: Path, tiny: Path, weather_file: Path) -> None:
    given = ["--analysis", str(weather_file)]
    commands = {
        "forecast": [str(tiny), "--init", "2008-01-10", *given],
        "train": [str(tiny), *given],
        "evaluate": [str(tiny), "--out", str(base_home / "scores.json"), *given],
        "calibrate": [str(tiny), *given],
        "levels": [str(tiny), *given],
        "tune": [str(tiny), *given],
        "cycle": [str(tiny)],
        "serve": [],
        "demo": [],
    }
    told = run_without_parts([[name, *words] for name, words in commands.items()], base_home)
    for name, (status, out, err) in zip(commands, told, strict=True):
        assert (status, out) == (2, ""), (name, err)
        assert err == (
            f"plumecast: {name}: expected PyTorch, found none; install it with: pip install 'plumecast[model]'\n"
        )
    assert not list(base_home.iterdir())


INVENTED = """
name = "invented"
title = "Invented weather"
source = "files"
channels = ["msl", "t2m"]
step_hours = 24
period_start = 2007-01-01
licence = "none"
description = "Weather that never was."
"""


def test_a_base_installation_keeps_archives_and_scores_files(base_home: Path, weather_file: Path) -> None:
    (base_home / "datasets").mkdir()
    (base_home / "datasets" / "invented.toml").write_text(INVENTED)
    told = run_without_parts(
        [
            ["doctor"],
            ["ingest", "invented", "--source", str(weather_file)],
            ["catalog", "list"],
            ["catalog", "show", "invented"],
            ["scorecard", "speedy-5p6"],
            ["report", str(base_home)],
        ],
        base_home,
    )
    assert [status for status, _, _ in told] == [0, 0, 0, 0, 3, 2], told
    assert "missing torch" in told[0][1]
    assert "missing prefect" in told[0][1]
    assert "416 times to 2008-02-20" in told[2][1]
    assert "score archive of 'speedy-5p6': expected" in told[4][2]
    assert "expected a run directory" in told[5][2]
