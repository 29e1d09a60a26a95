"""Every name of a path, an output and a sampler stands for something that exists."""

from typing import get_args

from forecast.diffusion.paths import PATHS
from forecast.diffusion.preconditioning import OUTPUTS
from forecast.diffusion.samplers import SAMPLING_STEPS
from forecast.system.names import CHURNED, OutputName, PathName, SamplerName, ScheduleName


def test_paths_and_the_schedules_along_them():
    assert set(PATHS) == set(get_args(PathName)) == set(get_args(ScheduleName)) - {"rho"}


def test_outputs_are_mixtures_or_that_of_the_path():
    assert set(OUTPUTS) == set(get_args(OutputName)) - {"velocity"}


def test_samplers_solve_the_equation_or_renoise():
    assert set(SAMPLING_STEPS) == set(get_args(SamplerName)) - {"renoise"}
    assert set(CHURNED) == set(SAMPLING_STEPS) - {"dpmpp-2m"}
