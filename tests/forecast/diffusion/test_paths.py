"""All paths are equivalent: the same denoiser gives the same samples on every path."""

import itertools
import math

import pytest
import torch

from forecast.diffusion.paths import PATHS
from forecast.diffusion.samplers import heun
from forecast.diffusion.schedules import rho_schedule

SIGMAS = torch.tensor([0.005, 0.02, 0.3, 1.0, 7.0, 80.0], dtype=torch.float64)
each_path = pytest.mark.parametrize("name", PATHS)


@each_path
def test_time_and_sigma_are_inverse(name):
    path = PATHS[name]
    times = path.time(SIGMAS)
    assert (times.diff() > 0).all()
    torch.testing.assert_close(path.sigma(times), SIGMAS, rtol=1e-9, atol=0)
    torch.testing.assert_close(path.noise(times) / path.signal(times), SIGMAS, rtol=1e-9, atol=0)


@each_path
def test_scalings_are_the_published_ones(name):
    path = PATHS[name]
    signal, noise = path.signal(path.time(SIGMAS)), path.noise(path.time(SIGMAS))
    kept = {"edm": signal, "flow": signal + noise}.get(name, signal.square() + noise.square())
    torch.testing.assert_close(kept, torch.ones_like(kept))


def rates(path, time):
    """da/dt and db/dt, by central differences."""
    step = 1e-5 * min(float(time), 1.0 - float(time) if float(time) < 1.0 else 1.0)
    return tuple((of(time + step) - of(time - step)) / (2 * step) for of in (path.signal, path.noise))


@each_path
@pytest.mark.parametrize("sigma", SIGMAS.tolist())
def test_velocity_points_along_the_path(name, sigma):
    path, sigma = PATHS[name], torch.tensor(sigma, dtype=torch.float64)
    signal_rate, noise_rate = rates(path, path.time(sigma))
    clean_share, noise_share = path.velocity(sigma)
    length = torch.hypot(signal_rate, noise_rate) / torch.hypot(clean_share, noise_share)
    torch.testing.assert_close(clean_share * length, signal_rate, rtol=1e-5, atol=1e-6 * float(noise_rate))
    torch.testing.assert_close(noise_share * length, noise_rate, rtol=1e-5, atol=0)


def test_published_schedules():
    def remaining(name, time):
        return float(PATHS[name].signal(torch.tensor(time, dtype=torch.float64)) ** 2)

    assert remaining("vp-linear", 1.0) == pytest.approx(math.exp(-10.05))
    assert remaining("vp-cosine", 0.5) == pytest.approx(
        (math.cos(math.pi / 4 * 1.016 / 1.008) / math.cos(0.01247)) ** 2, rel=1e-4
    )
    assert remaining("vp-sigmoid", 0.5) == pytest.approx(0.5)
    assert remaining("trig", math.pi / 4) == pytest.approx(0.5)


def test_secant_has_the_centre_and_width_of_edm_but_longer_tails():
    times = (torch.arange(200_000, dtype=torch.float64) + 0.5) / 200_000
    logs = PATHS["vp-secant"].sigma(times).log()
    assert float(logs.mean()) == pytest.approx(-1.2, abs=1e-6)
    assert float(logs.std()) == pytest.approx(1.2, abs=1e-3)
    assert float((logs > math.log(40.0)).double().mean()) == pytest.approx(1.06e-3, rel=0.02)


def probability_flow(path, denoiser, x, time):
    """dx/dt = a'(t) E[clean | x] + b'(t) E[noise | x], in the path's own scaling and time."""
    signal_rate, noise_rate = rates(path, time)
    signal, noise = path.signal(time), path.noise(time)
    clean = denoiser(x / signal, path.sigma(time).expand(x.shape[0]))
    return signal_rate * clean + noise_rate * (x - signal * clean) / noise


def follow(path, denoiser, x, times):
    """Integrate the path's own equation in its own time by the classical Runge-Kutta method."""
    for start, end in itertools.pairwise(times):
        half = 0.5 * (end - start)
        k1 = probability_flow(path, denoiser, x, start)
        k2 = probability_flow(path, denoiser, x + half * k1, start + half)
        k3 = probability_flow(path, denoiser, x + half * k2, start + half)
        k4 = probability_flow(path, denoiser, x + 2 * half * k3, end)
        x = x + half / 3 * (k1 + 2 * k2 + 2 * k3 + k4)
    return x


@each_path
def test_each_path_leads_the_same_noise_to_the_same_sample(name, exact):
    path, case, noise = PATHS[name], exact.two_peaks, exact.noise_quantiles(9)
    sigmas = rho_schedule(200, sigma_min=0.02, sigma_max=20.0, rho=7.0)[:-1]
    times = path.time(sigmas)
    found = follow(path, case.denoiser, path.noise(times[0]) * noise, times) / path.signal(times[-1])
    torch.testing.assert_close(found, case.transported(20.0 * noise, 20.0, 0.02), rtol=0, atol=2e-6)
    fine = rho_schedule(2000, sigma_min=0.02, sigma_max=20.0, rho=7.0)
    torch.testing.assert_close(heun(case.denoiser, 20.0 * noise, fine[:-1]), found, rtol=0, atol=2e-5)
