"""Samplers: plain, differentiable functions that turn noise into a sample by solving the probability-flow equation.

The equation is dx/dsigma = (x - D(x, sigma)) / sigma (Karras et al. 2022, equation 3, arXiv:2206.00364). All samplers
take (denoiser, x, sigmas): x is noise of standard deviation `sigmas[0]`, and `sigmas` descend to zero. With two sigmas,
each of them makes one evaluation, from `sigmas[0]` straight to the clean state.

How to choose: `heun` or `dpmpp-2s` with 10 or more network evaluations; `dpmpp-2m`, which needs one evaluation a
sampling step, with 4 to 10; `euler` with 1 or 2, for a network that was fine-tuned in it; `renoise` for a network that
was fine-tuned in that. Churn corrects errors of the network, but needs more sampling steps.
"""

import itertools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from forecast.diffusion.preconditioning import Denoiser
from forecast.system.names import CHURNED, SamplerName

State = Float[Tensor, "batch channel latitude longitude"]
Sigmas = Float[Tensor, " sampling_step"]
FreshNoise = Callable[[int], Tensor]
"""Returns standard normal noise of the shape of x; draws are counted from 1, as draw 0 is the starting noise."""


@dataclass(frozen=True)
class Estimate:
    """A denoiser's estimate of the clean state.

    Attributes:
        sigma: Noise level that it was evaluated at.
        clean: The expected clean state.
    """

    sigma: float
    clean: Tensor


SamplingStep = Callable[[Denoiser, Tensor, float, float, Estimate | None], tuple[Tensor, Estimate]]
"""Returns x at the next sigma and the estimate at sigma, given (denoiser, x, sigma, next sigma, previous estimate)."""


@dataclass(frozen=True)
class Churn:
    """Noise that is added before each sampling step in a range of sigma, and removed again by the step.

    Attributes:
        amount: Sum over all sampling steps of the fraction by which sigma is raised; 0 for none.
        sigma_min: Smallest sigma that is raised.
        sigma_max: Largest sigma that is raised.

    Source: Karras et al. (2022), algorithm 2 and equation 6; a factor S_noise on the added noise belongs in the noise
        that is passed in
    """

    amount: float = 0.0
    sigma_min: float = 0.0
    sigma_max: float = math.inf

    def raised(self, sigma: float, sampling_steps: int) -> float:
        """Return the sigma that a sampling step starts from.

        Args:
            sigma: Noise level before churn.
            sampling_steps: Number of sampling steps of the sampler.
        """
        if not self.sigma_min <= sigma <= self.sigma_max:
            return sigma
        return sigma * (1.0 + min(self.amount / sampling_steps, math.sqrt(2.0) - 1.0))


NO_CHURN = Churn()


def euler(denoiser: Denoiser, x: State, sigmas: Sigmas) -> State:
    """Draw samples by Euler's method, first-order; one evaluation a sampling step.

    In these coordinates it is DDIM (Song et al. 2021, arXiv:2010.02502).

    Args:
        denoiser: Returns the expected clean state given (x, sigma).
        x: Noise of standard deviation `sigmas[0]`.
        sigmas: Descending noise levels, the last one zero.
    """
    return _walk(_euler_step, denoiser, x, sigmas)


def heun(denoiser: Denoiser, x: State, sigmas: Sigmas) -> State:
    """Draw samples by Heun's method, second-order; two evaluations a sampling step, one in the last.

    Args:
        denoiser: Returns the expected clean state given (x, sigma).
        x: Noise of standard deviation `sigmas[0]`.
        sigmas: Descending noise levels, the last one zero.

    Source: Karras et al. (2022), algorithm 1
    """
    return _walk(_heun_step, denoiser, x, sigmas)


def dpmpp_2s(denoiser: Denoiser, x: State, sigmas: Sigmas) -> State:
    """Draw samples by DPM-Solver++(2S), second-order, exact for constant D; two evaluations a step, one in the last.

    Args:
        denoiser: Returns the expected clean state given (x, sigma).
        x: Noise of standard deviation `sigmas[0]`.
        sigmas: Descending noise levels, the last one zero.

    Source: Lu et al. (2022), algorithm 1 with r = 1/2, arXiv:2211.01095
    """
    return _walk(_midpoint_step, denoiser, x, sigmas)


def dpmpp_2m(denoiser: Denoiser, x: State, sigmas: Sigmas) -> State:
    """Draw samples by DPM-Solver++(2M), second-order through the previous estimate; one evaluation a sampling step.

    Args:
        denoiser: Returns the expected clean state given (x, sigma).
        x: Noise of standard deviation `sigmas[0]`.
        sigmas: Descending noise levels, the last one zero.

    Source: Lu et al. (2022), algorithm 2, arXiv:2211.01095
    """
    return _walk(_multistep, denoiser, x, sigmas)


def renoise(denoiser: Denoiser, x: State, sigmas: Sigmas, noise: FreshNoise) -> State:
    """Draw samples by adding fresh noise to each estimate of the clean state; one evaluation a sampling step.

    It solves no equation: each evaluation returns a sample of what the network learned as the distribution of clean
    states. It is meant for networks that were fine-tuned to sample in one or two evaluations.

    Args:
        denoiser: Returns a clean state given (x, sigma).
        x: Noise of standard deviation `sigmas[0]`.
        sigmas: Descending noise levels, the last one zero.
        noise: Fresh noise; draw n for the sampling step n, counted from 0.

    Source: Song et al. (2023), algorithm 1, arXiv:2303.01469
    """
    clean = x
    for sampling_step, sigma in enumerate(sigmas.tolist()[:-1]):
        if sampling_step:
            x = clean + sigma * noise(sampling_step)
        clean = _estimate(denoiser, x, sigma)
    return clean


def run_sampler(
    name: SamplerName, denoiser: Denoiser, x: State, sigmas: Sigmas, *, noise: FreshNoise, churn: Churn = NO_CHURN
) -> State:
    """Turn noise into a sample with a sampler given by its name.

    Args:
        name: Name of the sampler.
        denoiser: Returns the expected clean state given (x, sigma).
        x: Noise of standard deviation `sigmas[0]`.
        sigmas: Descending noise levels, the last one zero.
        noise: Fresh noise, for `renoise` and churn.
        churn: Noise added on the way, for the samplers in `CHURNED` only.

    Raises:
        ValueError: The sampler cannot churn.
    """
    if churn.amount and name not in CHURNED:
        raise ValueError(f"churn: expected none with sampler {name}, found {churn.amount:g}")
    if name == "renoise":
        return renoise(denoiser, x, sigmas, noise)
    return _walk(SAMPLING_STEPS[name], denoiser, x, sigmas, churn, noise)


def network_evaluations(name: SamplerName, sampling_steps: int) -> int:
    """Return how often a sampler evaluates the network for one sample.

    Args:
        name: Name of the sampler.
        sampling_steps: Number of sampling steps.
    """
    return 2 * sampling_steps - 1 if name in ("heun", "dpmpp-2s") else sampling_steps


def _walk(
    step: SamplingStep,
    denoiser: Denoiser,
    x: Tensor,
    sigmas: Tensor,
    churn: Churn = NO_CHURN,
    noise: FreshNoise | None = None,
) -> Tensor:
    levels, estimate = sigmas.tolist(), None
    for sampling_step, (sigma, next_sigma) in enumerate(itertools.pairwise(levels)):
        raised = churn.raised(sigma, len(levels) - 1)
        if raised > sigma:
            assert noise is not None
            x = x + math.sqrt(raised**2 - sigma**2) * noise(sampling_step + 1)
        x, estimate = step(denoiser, x, raised, next_sigma, estimate)
    return x


def _estimate(denoiser: Denoiser, x: Tensor, sigma: float) -> Tensor:
    return denoiser(x, x.new_full((x.shape[0],), sigma))


def _towards(clean: Tensor, x: Tensor, sigma: float, next_sigma: float) -> Tensor:
    """Noisy state at the next sigma for a given clean state: the noise shrinks in proportion to sigma."""
    return clean + (next_sigma / sigma) * (x - clean)


def _euler_step(
    denoiser: Denoiser, x: Tensor, sigma: float, next_sigma: float, before: Estimate | None
) -> tuple[Tensor, Estimate]:
    clean = _estimate(denoiser, x, sigma)
    return _towards(clean, x, sigma, next_sigma), Estimate(sigma, clean)


def _heun_step(
    denoiser: Denoiser, x: Tensor, sigma: float, next_sigma: float, before: Estimate | None
) -> tuple[Tensor, Estimate]:
    predicted, first = _euler_step(denoiser, x, sigma, next_sigma, before)
    if next_sigma == 0.0:
        return predicted, first
    slope = (x - first.clean) / sigma
    next_slope = (predicted - _estimate(denoiser, predicted, next_sigma)) / next_sigma
    return x + (next_sigma - sigma) * 0.5 * (slope + next_slope), first


def _midpoint_step(
    denoiser: Denoiser, x: Tensor, sigma: float, next_sigma: float, before: Estimate | None
) -> tuple[Tensor, Estimate]:
    middle = math.sqrt(sigma * next_sigma)
    halfway, first = _euler_step(denoiser, x, sigma, middle, before)
    if next_sigma == 0.0:
        return halfway, first
    return _towards(_estimate(denoiser, halfway, middle), x, sigma, next_sigma), first


def _multistep(
    denoiser: Denoiser, x: Tensor, sigma: float, next_sigma: float, before: Estimate | None
) -> tuple[Tensor, Estimate]:
    clean = _estimate(denoiser, x, sigma)
    here = Estimate(sigma, clean)
    if before is None or next_sigma == 0.0:
        return _towards(clean, x, sigma, next_sigma), here
    ahead = math.log(sigma / next_sigma) / math.log(before.sigma / sigma)
    extrapolated = clean + 0.5 * ahead * (clean - before.clean)
    return _towards(extrapolated, x, sigma, next_sigma), here


SAMPLING_STEPS: Mapping[str, SamplingStep] = {
    "euler": _euler_step,
    "heun": _heun_step,
    "dpmpp-2s": _midpoint_step,
    "dpmpp-2m": _multistep,
}
