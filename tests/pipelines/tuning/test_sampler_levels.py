"""Levels are fitted from the command line, and fit into the system file."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from data_catalog.errors import ConfigurationError
from forecast.system.reading import read_system
from pipelines.cli.app import main
from pipelines.tuning.sampler_levels import LevelsRequest, fit_system_levels
from pipelines.workspace.home import Home


@pytest.mark.parametrize("option", ["--sampling-steps", "--steps"])
def test_the_lines_are_a_sampler(
    option: str, tiny: Path, weather_file: Path, place: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["levels", str(tiny), option, "3", "--samples", "2", "--analysis", str(weather_file)]) == 0
    printed = tomllib.loads(capsys.readouterr().out)
    system = read_system(tiny)
    sampler = system.sampler.changed(**printed["sampler"])
    assert len(sampler.levels) == sampler.sampling_steps == 3
    assert sampler.levels[0] == system.sampler.sigma_max


@pytest.mark.parametrize(
    ("sampler", "steps", "message"),
    [
        ({"kind": "renoise"}, 2, "expected a sampler that solves an equation"),
        ({}, 21, "--sampling-steps: expected at most 20"),
    ],
)
def test_what_cannot_be_fitted_is_refused(
    sampler: dict[str, Any], steps: int, message: str, tiny: Path, tiny_checkpoint: Path, weather_file: Path
) -> None:
    system = read_system(tiny)
    asked = system.changed(sampler=system.sampler.changed(**sampler))
    request = LevelsRequest(asked, weather_file, tiny_checkpoint, sampling_steps=steps)
    with pytest.raises(ConfigurationError, match=message):
        fit_system_levels(request)
