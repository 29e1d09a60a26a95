from pathlib import Path

import numpy as np
import pytest

from data_catalog.errors import InvalidDataError
from forecast.products.files.runs import RunDirectory


def test_names_follow_the_cycle():
    run = RunDirectory(Path("/runs"), "demo", np.datetime64("2008-01-15T06:00", "ns"))
    assert run.path == Path("/runs/demo/20080115T0600Z")
    assert run.forecast == run.path / "demo_20080115T0600Z.nc"
    assert run.products == run.path / "demo_20080115T0600Z_products.nc"
    assert run.manifest == run.path / "manifest.json"


def test_a_run_is_found_by_its_directory(tmp_path):
    run = RunDirectory(tmp_path.resolve(), "demo", np.datetime64("2008-01-15T06:00", "ns"))
    assert RunDirectory.at(str(run.path)) == run


@pytest.mark.parametrize("name", ["20081315T0000Z", "yesterday"])
def test_another_directory_is_not_a_run(name, tmp_path):
    with pytest.raises(InvalidDataError, match=name):
        RunDirectory.at(tmp_path / name)
