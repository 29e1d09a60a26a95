"""Samplers: plain, differentiable functions that turn noise into a sample by following the probability-flow equation.

dx/dsigma = (x - D(x, sigma)) / sigma (Karras et al. 2022, equation 3, arXiv:2206.00364). All of them take (denoiser,
x, sigmas): x is noise of standard deviation `sigmas[0]`, and `sigmas` descend to a last one of zero. With two sigmas,
all are one evaluation from `sigmas[0]` straight to the clean state.

Which to take: with 10 evaluations and more `heun` or `dpmpp-2s`; with 4 to 10 `dpmpp-2m`, which needs one evaluation
a sampling step; `euler` for a network that was tuned in it, with 1 or 2; `renoise` for one that was tuned in that.
Churn mends errors of the network at the price of more sampling steps.
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
"""Draw, counted from 1 as draw 0 is the starting noise, to standard normal noise of the shape of x."""


@dataclass(frozen=True)
class Estimate:
    """A clean state that the denoiser expected, and the sigma it was asked at."""

    sigma: float
    clean: Tensor


SamplingStep = Callable[[Denoiser, Tensor, float, float, Estimate | None], tuple[Tensor, Estimate]]
"""(denoiser, x, sigma, next sigma, estimate one sampling step before) to (x at the next sigma, estimate at sigma)."""


@dataclass(frozen=True)
class Churn:
    """Noise that is added and taken away again in each sampling step whose sigma lies in a range.

    Attributes:
        amount: Sum over the sampling steps of the factors by which sigma is raised; 0 for none.
        sigma_min: Smallest sigma that is raised.
        sigma_max: Largest sigma that is raised.

    Source: Karras et al. (2022), algorithm 2 and equation 6; its factor on the noise is left to
        the noise that is passed in
    """

    amount: float = 0.0
    sigma_min: float = 0.0
    sigma_max: float = math.inf

    def raised(self, sigma: float, sampling_steps: int) -> float:
        """The sigma that a sampling step starts from."""
        if not self.sigma_min <= sigma <= self.sigma_max:
            return sigma
        return sigma * (1.0 + min(self.amount / sampling_steps, math.sqrt(2.0) - 1.0))


NO_CHURN = Churn()


def euler(denoiser: Denoiser, x: State, sigmas: Sigmas) -> State:
    """First-order sampler; one evaluation a sampling step.

    In these coordinates it is DDIM (Song et al. 2021, arXiv:2010.02502).
    """
    return _walk(_euler_step, denoiser, x, sigmas)


def heun(denoiser: Denoiser, x: State, sigmas: Sigmas) -> State:
    """Second-order sampler; two evaluations a sampling step and one in the last.

    Source: Karras et al. (2022), algorithm 1
    """
    return _walk(_heun_step, denoiser, x, sigmas)


def dpmpp_2s(denoiser: Denoiser, x: State, sigmas: Sigmas) -> State:
    """DPM-Solver++(2S): second-order, exact for a constant D; two evaluations a sampling step and one in the last.

    Source: Lu et al. (2022), algorithm 1 with r = 1/2, arXiv:2211.01095
    """
    return _walk(_midpoint_step, denoiser, x, sigmas)


def dpmpp_2m(denoiser: Denoiser, x: State, sigmas: Sigmas) -> State:
    """DPM-Solver++(2M): second-order from the estimate of the sampling step before; one evaluation a sampling step.

    Source: Lu et al. (2022), algorithm 2, arXiv:2211.01095
    """
    return _walk(_multistep, denoiser, x, sigmas)


def renoise(denoiser: Denoiser, x: State, sigmas: Sigmas, noise: FreshNoise) -> State:
    """Clean state, fresh noise of the next sigma, clean state again; one evaluation a sampling step.

    It follows no equation: each evaluation draws from what the network takes for the distribution of clean states.
    For networks that were tuned to do so in one or two evaluations.

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
    """Turn noise into a sample with the sampler of this name.

    Args:
        name: Which sampler.
        denoiser: Expected clean state given (x, sigma).
        x: Noise of standard deviation `sigmas[0]`.
        sigmas: Descending noise levels, the last one zero.
        noise: Fresh noise, where the sampler or churn wants it: draw n for the n-th sampling step.
        churn: For the samplers in `CHURNED`.

    Raises:
        ValueError: Churn is wanted of a sampler that has none.
    """
    if churn.amount and name not in CHURNED:
        raise ValueError(f"sampler {name}: expected no churn, found {churn.amount:g}")
    if name == "renoise":
        return renoise(denoiser, x, sigmas, noise)
    return _walk(SAMPLING_STEPS[name], denoiser, x, sigmas, churn, noise)


def network_evaluations(name: SamplerName, sampling_steps: int) -> int:
    """How often a sampler asks the denoiser."""
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
    """The noisy state at the next sigma if the clean state were this one: its noise shrinks in proportion."""
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
