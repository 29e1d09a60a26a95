"""All outputs are equivalent: the denoiser and its samples are the same for every network output."""

import itertools

import pytest
import torch

from forecast.diffusion.paths import PATHS
from forecast.diffusion.preconditioning import (
    OUTPUTS,
    edm_output,
    min_snr_weight,
    mix,
    output_of,
    output_weight,
    precondition,
)
from forecast.diffusion.samplers import dpmpp_2s
from forecast.diffusion.schedules import rho_schedule

SIGMA = torch.tensor([0.02, 0.3, 1.0, 5.0, 80.0], dtype=torch.float64)
PAIRS = list(itertools.product((*OUTPUTS, "velocity"), ("edm", "flow", "trig", "vp-linear")))
each_output = pytest.mark.parametrize(("name", "path"), PAIRS)


@each_output
def test_the_clean_state_is_found_from_any_output(name, path):
    output = output_of(name, PATHS[path])
    clean, noise = torch.randn(2, 5, 2, 3, 4, dtype=torch.float64)
    wanted = mix(output, clean, noise, SIGMA)
    noisy = clean + SIGMA[:, None, None, None] * noise
    torch.testing.assert_close(precondition(lambda x, label: wanted, noisy, SIGMA, output), clean)


def network_that_returns(output, denoiser):
    """The network behind an exact denoiser, from scaled x and noise label to the output."""

    def network(scaled, label):
        sigma = (4.0 * label).exp()
        x = scaled * (1 + sigma.square()).sqrt()[:, None, None, None]
        clean = denoiser(x, sigma)
        return mix(output, clean, (x - clean) / sigma[:, None, None, None], sigma)

    return network


@each_output
def test_the_same_denoiser_gives_the_same_samples_under_any_name(name, path, exact):
    output, noise = output_of(name, PATHS[path]), exact.noise_quantiles(7) * 80.0
    network = network_that_returns(output, exact.two_peaks.denoiser)
    sigmas = rho_schedule(12, sigma_min=0.02, sigma_max=80.0, rho=7.0)
    found = dpmpp_2s(lambda x, sigma: precondition(network, x, sigma, output), noise, sigmas)
    torch.testing.assert_close(found, dpmpp_2s(exact.two_peaks.denoiser, noise, sigmas))


@each_output
def test_weight_turns_the_denoising_error_into_the_outputs(name, path):
    output = output_of(name, PATHS[path])
    clean, noise, found = torch.randn(3, 5, 1, 2, 2, dtype=torch.float64)
    noisy = clean + SIGMA[:, None, None, None] * noise
    denoised = precondition(lambda x, label: found, noisy, SIGMA, output)
    error = (denoised - clean).square().mean(dim=(1, 2, 3))
    expected = (found - mix(output, clean, noise, SIGMA)).square().mean(dim=(1, 2, 3))
    torch.testing.assert_close(output_weight(SIGMA, output) * error, expected)


def test_edm_with_a_zero_network_is_exact_for_a_standard_normal():
    x = torch.randn(5, 1, 2, 2, dtype=torch.float64)
    denoised = precondition(lambda x, label: torch.zeros_like(x), x, SIGMA)
    torch.testing.assert_close(denoised, x / (1 + SIGMA[:, None, None, None] ** 2))


def test_edm_weight_is_the_published_one():
    torch.testing.assert_close(output_weight(SIGMA), (SIGMA**2 + 1) / SIGMA**2)
    torch.testing.assert_close(output_weight(SIGMA, PATHS["edm"].velocity), SIGMA**-2)


def test_edm_output_is_v_with_the_opposite_sign():
    clean, noise = torch.randn(2, 5, 1, 2, 2, dtype=torch.float64)
    torch.testing.assert_close(mix(edm_output, clean, noise, SIGMA), -mix(OUTPUTS["v"], clean, noise, SIGMA))


def test_min_snr_is_limited():
    torch.testing.assert_close(min_snr_weight(SIGMA, limit=5.0), torch.minimum(SIGMA**-2, torch.tensor(5.0).double()))


def test_network_sees_unit_variance():
    seen = []
    x = torch.randn(5, 1, 64, 64, dtype=torch.float64) * (1 + SIGMA[:, None, None, None] ** 2).sqrt()
    precondition(lambda x, label: seen.append(x) or x, x, SIGMA)
    torch.testing.assert_close(seen[0].std(dim=(1, 2, 3)), torch.ones(5).double(), rtol=0.05, atol=0)
