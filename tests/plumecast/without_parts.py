"""Use every part of a base installation where the modules of all extras are hidden; a script for a process of its own.

Its argument is a PLUMECAST_HOME with an archive and a run of `speedy-5p6`, which it changes.
"""

import importlib
import pkgutil
import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest

import plumecast
from pipelines.cli.app import main
from pipelines.terminal.parts import PARTS

HIDDEN = {module for part in PARTS for module in part.modules}
BASE = ("data_catalog", "forecast.products", "forecast.verification", "forecast.system", "plumecast")


class Hider:
    """Hides the modules of all extras from imports."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name.partition(".")[0] in HIDDEN:
            raise ModuleNotFoundError(f"No module named '{name}'", name=name)


def import_every_module() -> int:
    found = [
        module.name
        for package in BASE
        for module in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}.")
    ]
    for name in found:
        importlib.import_module(name)
    return len(found)


def score_a_run(home: Path) -> None:
    """Score the members that a file holds against the archive, with the functions for notebooks."""
    run = plumecast.find_runs(home)[0]
    forecast = run.forecast["t2m"]
    analysis = plumecast.open_archive("speedy-5p6", home=home)["t2m"]
    at_leads = analysis.sel(time=forecast["init_time"] + forecast["lead_time"]).drop_vars("time")
    weights = plumecast.verification.area_weights(forecast["latitude"])
    crps = plumecast.verification.crps(forecast, at_leads, reduce=["latitude", "longitude"], weights=weights)
    assert run.scores is not None
    kept = run.scores["crps"].sel(forecaster="plumecast", channel="t2m")
    np.testing.assert_allclose(crps, kept, rtol=1e-5)


def run_commands(home: Path) -> None:
    """Verify the run as a foreign file, and draw its figures and page again."""
    run = plumecast.find_runs(home)[0]
    mpl.__version__ = "another"  # figures that would be the same are kept
    drawn = {path.name: path.stat().st_mtime_ns for path in run.files.plots.iterdir()}
    theirs, scores, archive = home / "theirs.nc", home / "scores.json", home / "archives" / "speedy-5p6.zarr"
    theirs.write_bytes(run.files.forecast.read_bytes())
    for words in (
        ["catalog", "show", "speedy-5p6"],
        ["verify", str(theirs), "--analysis", str(archive), "--channel", "t2m", "--out", str(scores)],
        ["report", str(run.path)],
        ["scorecard", "speedy-5p6", "--list"],
        ["doctor"],
    ):
        assert main(words) == 0, words
    assert scores.is_file()
    again = {path.name: path.stat().st_mtime_ns for path in run.files.plots.iterdir()}
    assert len(drawn) > 5
    assert again.keys() == drawn.keys()
    assert all(again[name] > time for name, time in drawn.items())


def check_what_is_missing() -> None:
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'plumecast\[model\]'"):
        plumecast.load_checkpoint("speedy-5p6")


if __name__ == "__main__":
    sys.meta_path.insert(0, Hider())
    place = Path(sys.argv[1])
    assert import_every_module() > 100
    score_a_run(place)
    run_commands(place)
    check_what_is_missing()
    assert not HIDDEN & set(sys.modules)
