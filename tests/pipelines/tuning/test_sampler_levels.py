"""Levels are fitted from the command line, and fit into the system file."""

import tomllib

import pytest

from data_catalog.errors import ConfigurationError
from forecast.system.reading import read_system
from forecast.system.system import System
from pipelines.cli.app import main
from pipelines.tuning.sampler_levels import fit_system_levels


def test_the_lines_are_a_sampler(tiny, weather_file, place, capsys):
    assert main(["levels", str(tiny), "--steps", "3", "--samples", "2", "--analysis", str(weather_file)]) == 0
    printed = tomllib.loads(capsys.readouterr().out)
    system = read_system(tiny)
    content = system.model_dump()
    content["sampler"] |= printed["sampler"]
    sampler = System.model_validate(content).sampler
    assert len(sampler.levels) == sampler.sampling_steps == 3
    assert sampler.levels[0] == system.sampler.sigma_max


@pytest.mark.parametrize(
    ("sampler", "steps", "message"),
    [({"kind": "renoise"}, 2, "expected a sampler that follows an equation"), ({}, 21, "--steps: expected at most 20")],
)
def test_what_cannot_be_fitted_is_refused(sampler, steps, message, tiny, tiny_checkpoint, weather_file):
    content = read_system(tiny).model_dump()
    content["sampler"] |= sampler
    with pytest.raises(ConfigurationError, match=message):
        fit_system_levels(System.model_validate(content), tiny_checkpoint, weather_file, sampling_steps=steps)
