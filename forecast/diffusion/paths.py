"""Gaussian probability paths x = a(t) clean + b(t) noise: EDM, flow matching, and variance-preserving schedules.

Whatever a and b are, x / a is the clean state plus noise of standard deviation sigma = b / a. A path is therefore no
more than a map between time and sigma. Networks are made into denoisers D(x / a, sigma), and samplers step in sigma.
The path matters in three places only: the noise levels of training if times are drawn uniformly, the noise levels of a
sampler if its times are evenly spaced, and what `velocity` means.

Source: Karras et al. (2022), appendix B, arXiv:2206.00364; Kingma and Gao (2023), arXiv:2303.00848
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from forecast.system.names import PathName

Mixture = tuple[Tensor, Tensor]
"""The factors (p, q) of a mixture p clean + q noise."""


@dataclass(frozen=True)
class Path:
    """A map between time and noise level.

    Attributes:
        signal: a(t), the factor on the clean state.
        noise: b(t), the factor on the noise.
        sigma: sigma(t) = b(t) / a(t), which rises with t.
        time: t(sigma), for sigma above zero.
        velocity: The mixture of clean state and noise in dx/dt at a sigma, up to a factor that depends on t alone.
    """

    signal: Callable[[Tensor], Tensor]
    noise: Callable[[Tensor], Tensor]
    sigma: Callable[[Tensor], Tensor]
    time: Callable[[Tensor], Tensor]
    velocity: Callable[[Tensor], Mixture]


def angular_velocity(sigma: Tensor) -> Mixture:
    """Return the mixture `v` of clean state and noise: dx/d(angle) for x = cos(angle) clean + sin(angle) noise.

    Args:
        sigma: Noise standard deviation, tan(angle); any shape.

    Source: Salimans and Ho (2022), appendix D, arXiv:2202.00512
    """
    length = (1.0 + sigma.square()).sqrt()
    return -sigma / length, 1.0 / length


def _noise_mixture(sigma: Tensor) -> Mixture:
    return torch.zeros_like(sigma), torch.ones_like(sigma)


def _flow_velocity(sigma: Tensor) -> Mixture:
    return -torch.ones_like(sigma), torch.ones_like(sigma)


def _identity(time: Tensor) -> Tensor:
    return time


def _variance_preserving(sigma: Callable[[Tensor], Tensor], time: Callable[[Tensor], Tensor]) -> Path:
    """Return the path with a^2 + b^2 = 1 and a given sigma(t)."""

    def signal(t: Tensor) -> Tensor:
        return (1.0 + sigma(t).square()).rsqrt()

    def noise(t: Tensor) -> Tensor:
        return sigma(t) * signal(t)

    return Path(signal, noise, sigma, time, angular_velocity)


def _linear_beta(*, beta_min: float, beta_max: float) -> Path:
    """Return the path whose beta rises linearly from `beta_min` at t = 0 to `beta_max` at t = 1.

    Source: Song et al. (2021), equation 32, arXiv:2011.13456; as a noise level, Karras et al. (2022), table 1
    """
    rise = beta_max - beta_min

    def sigma(t: Tensor) -> Tensor:
        return torch.expm1(beta_min * t + 0.5 * rise * t.square()).sqrt()

    def time(sigma: Tensor) -> Tensor:
        root = (beta_min**2 + 2.0 * rise * torch.log1p(sigma.square())).sqrt()
        return (root - beta_min) / rise

    return _variance_preserving(sigma, time)


def _cosine_beta(*, offset: float) -> Path:
    """Return the path whose signal variance falls as cos^2, offset in time so that the first betas are not too small.

    Source: Nichol and Dhariwal (2021), equation 17, arXiv:2102.09672
    """
    start = math.cos(0.5 * math.pi * offset / (1.0 + offset)) ** 2

    def sigma(t: Tensor) -> Tensor:
        remaining = (0.5 * math.pi * (t + offset) / (1.0 + offset)).cos().square() / start
        return ((1.0 - remaining).clamp_min(0.0) / remaining).sqrt()

    def time(sigma: Tensor) -> Tensor:
        angle = torch.acos((start / (1.0 + sigma.square())).sqrt())
        return angle * (1.0 + offset) / (0.5 * math.pi) - offset

    return _variance_preserving(sigma, time)


def _sigmoid_beta(*, start: float, end: float, temperature: float) -> Path:
    """Return the path whose signal variance falls along a logistic curve between `start` and `end`.

    Source: Jabri et al. (2023), arXiv:2212.11972; as written by Chen (2023), algorithm 1, arXiv:2301.10972
    """
    first, last = (1.0 / (1.0 + math.exp(-edge / temperature)) for edge in (start, end))

    def sigma(t: Tensor) -> Tensor:
        reached = torch.sigmoid((start + (end - start) * t) / temperature)
        return ((reached - first).clamp_min(0.0) / (last - reached)).sqrt()

    def time(sigma: Tensor) -> Tensor:
        remaining = 1.0 / (1.0 + sigma.square())
        return (temperature * torch.logit(last - remaining * (last - first)) - start) / (end - start)

    return _variance_preserving(sigma, time)


def _secant(*, log_sigma_centre: float, log_sigma_std: float) -> Path:
    """Return the path ln(sigma) = centre + width ln(tan(pi t / 2)).

    Uniform times give ln(sigma) a hyperbolic secant distribution. With centre 0 and width 1 the path is `trig` and,
    apart from its offset, `vp-cosine`. Here its centre and standard deviation are those of EDM's log-normal
    distribution, but its tails fall off exponentially. This matters where a sampler starts: the log-normal draws almost
    no samples there (2 in 100 000 above sigma = 40), although the first evaluation sets the mean of the forecast and no
    later one can correct it. The secant draws 1 in 1000.

    Source: a cosine schedule moved along ln(sigma) is in Hoogeboom et al. (2023), equation 4, arXiv:2301.11093; its
        distribution in Kingma and Gao (2023), arXiv:2303.00848; the width and the reason are Plumecast's
    """
    width = 2.0 / math.pi * log_sigma_std
    scale = math.exp(log_sigma_centre)

    def sigma(t: Tensor) -> Tensor:
        return scale * (0.5 * math.pi * t).tan().pow(width)

    def time(sigma: Tensor) -> Tensor:
        return (sigma / scale).pow(1.0 / width).atan() / (0.5 * math.pi)

    return _variance_preserving(sigma, time)


PATHS: Mapping[PathName, Path] = {
    # Variance exploding, with time equal to sigma (Karras et al. 2022, table 1).
    "edm": Path(torch.ones_like, _identity, _identity, _identity, _noise_mixture),
    # A straight line from the clean state to noise (Lipman et al. 2023, arXiv:2210.02747, with time reversed).
    "flow": Path(
        lambda t: 1.0 - t, _identity, lambda t: t / (1.0 - t), lambda sigma: sigma / (1.0 + sigma), _flow_velocity
    ),
    # Along a circle (Lu and Song 2024, equation 7, arXiv:2410.11081).
    "trig": Path(torch.cos, torch.sin, torch.tan, torch.atan, angular_velocity),
    "vp-linear": _linear_beta(beta_min=0.1, beta_max=20.0),
    "vp-cosine": _cosine_beta(offset=0.008),
    "vp-sigmoid": _sigmoid_beta(start=-3.0, end=3.0, temperature=1.0),
    "vp-secant": _secant(log_sigma_centre=-1.2, log_sigma_std=1.2),
}
