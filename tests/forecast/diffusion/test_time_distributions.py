"""Each quantile function is that of the named distribution, and increases with the chance."""

import math
from functools import partial

import pytest
import torch

from forecast.diffusion.paths import PATHS
from forecast.diffusion.time_distributions import (
    log_normal,
    log_uniform,
    logit_normal,
    path_uniform,
    rho_uniform,
    stratified_chances,
)

RANGE = {"sigma_min": 0.02, "sigma_max": 80.0}
ALL = {
    "log-normal": partial(log_normal, mean=-1.2, std=1.2),
    "logit-normal": partial(logit_normal, mean=-1.2, std=1.2),
    "log-uniform": partial(log_uniform, **RANGE),
    "rho-uniform": partial(rho_uniform, rho=7.0, **RANGE),
} | {f"uniform on {name}": partial(path_uniform, path=path, **RANGE) for name, path in PATHS.items()}


@pytest.mark.parametrize("name", ALL)
def test_levels_rise_with_the_chance_and_are_finite(name):
    sigmas = ALL[name](torch.tensor([1e-6, 0.1, 0.3, 0.5, 0.9, 1 - 1e-6]))
    assert sigmas.dtype == torch.float32
    assert (sigmas.diff() > 0).all()
    assert sigmas.isfinite().all()
    assert (sigmas > 0).all()


def test_chances_are_one_from_each_part():
    chances = stratified_chances(1000, torch.Generator().manual_seed(0))
    assert ((chances * 1000).long() == torch.arange(1000)).all()


def test_log_normal_has_the_stated_mean_and_spread():
    logs = ALL["log-normal"](stratified_chances(4096, torch.Generator().manual_seed(0))).log()
    assert float(logs.mean()) == pytest.approx(-1.2, abs=0.01)
    assert float(logs.std()) == pytest.approx(1.2, abs=0.01)


def test_logit_normal_in_flow_time_is_log_normal_in_sigma():
    chances = stratified_chances(100, torch.Generator().manual_seed(0))
    torch.testing.assert_close(ALL["logit-normal"](chances), ALL["log-normal"](chances), rtol=1e-4, atol=0)


@pytest.mark.parametrize(
    ("name", "middle"),
    [
        ("log-uniform", math.sqrt(0.02 * 80)),
        ("rho-uniform", (0.5 * (0.02 ** (1 / 7) + 80 ** (1 / 7))) ** 7),
        ("uniform on edm", 40.01),
        ("uniform on flow", 1.0094),
        ("uniform on trig", 1.0075),
        ("uniform on vp-secant", math.exp(-1.2)),
    ],
)
def test_medians(name, middle):
    assert float(ALL[name](torch.tensor([0.5]))) == pytest.approx(middle, rel=0.03)


def test_evenly_spaced_chances_are_a_schedule():
    """Uniform draws in training and evenly spaced sampler levels use the same function of time."""
    from forecast.diffusion.schedules import path_schedule, rho_schedule

    chances = torch.linspace(1, 0, 9, dtype=torch.float64)
    torch.testing.assert_close(ALL["rho-uniform"](chances), rho_schedule(9, rho=7.0, **RANGE)[:-1])
    for name, path in PATHS.items():
        torch.testing.assert_close(ALL[f"uniform on {name}"](chances), path_schedule(9, path=path, **RANGE)[:-1])
