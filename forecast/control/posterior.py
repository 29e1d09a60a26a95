"""Posterior sampling in noise space: a member's noise is moved as little as meets its conditions.

A sampler is a deterministic function of noise whose prior is N(0, I). Given h(z) = t + error, the noise of each member
is moved from its own draw z_0 to the minimum of |z - z_0|^2 / 2 + |(h(z) - t) / error|^2 / 2, where t holds an error
drawn for that member. For a linear h these are exact samples of the posterior (randomised maximum likelihood, also
known as pathwise conditioning, or Matheron's rule); for others an approximation that iterates the linear update.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

Noise = Float[Tensor, "member noise"]
Values = Float[Tensor, "member observation"]
Observe = Callable[[Noise], Values]

VALUES_PER_NOISE = 10.0
"""Standard errors of values that count as one standard deviation of noise where the iteration ends."""


@dataclass(frozen=True)
class Linearised:
    """What members' noise leads to.

    Attributes:
        values: h(z).
        jacobian: dh/dz, (member, observation, noise).
    """

    values: Values
    jacobian: Float[Tensor, "member observation noise"]


def linearise(observe: Observe, noise: Noise) -> Linearised:
    """Evaluate a function of noise and its derivative, by one backward pass an observation.

    Args:
        observe: h; a member's values depend on its own noise alone.
        noise: z.
    """
    with torch.enable_grad():
        inputs = noise.detach().requires_grad_(True)
        values = observe(inputs)
        count = values.shape[1]
        rows = [
            torch.autograd.grad(values[:, number].sum(), inputs, retain_graph=number + 1 < count)[0]
            for number in range(count)
        ]
    return Linearised(values.detach(), torch.stack(rows, dim=1))


def expected_values(
    values: Values, noise: Noise, jacobian: Float[Tensor, "member observation noise"]
) -> Float[Tensor, " observation"]:
    """Estimate the mean of h over its noise from few members, with a linear h as control variate.

    The control of a member is the mean derivative of the others times its noise, whose expectation is 0. For a linear h
    the estimate is exact.

    Args:
        values: h(z) of each member.
        noise: z.
        jacobian: dh/dz.

    Source: Owen (2013), Monte Carlo theory, methods and examples, section 8.9
    """
    members = len(values)
    others = (jacobian.sum(0) - jacobian) / (members - 1)
    controls = torch.einsum("mon,mn->mo", others.double(), noise.double())
    mean, centred = values.mean(0), controls - controls.mean(0)
    slope = (centred * (values - mean)).sum(0) / centred.square().sum(0).clamp(min=1e-300)
    return mean - slope.clamp(0.0, 1.0) * controls.mean(0)


def condition_noise(
    observe: Observe,
    noise: Noise,
    targets: Values,
    errors: Float[Tensor, " observation"],
    *,
    iterations: int = 12,
    tolerance: float = 0.05,
) -> tuple[Noise, Values]:
    """Move members' noise so that it leads to the targets, as little as their errors allow.

    Args:
        observe: h, which returns the observed values of members' noise; differentiable.
        noise: The members' own draws z_0, of a standard normal distribution.
        targets: t, with the member's drawn error in it.
        errors: Standard errors, positive.
        iterations: Most evaluations of h and its derivative.
        tolerance: A member is done when a whole step would change its noise by less than this, in standard deviations,
            and its values by less than `VALUES_PER_NOISE` times as many errors.

    Returns:
        The conditioned noise, and h of it.

    Source: Oliver, He and Reynolds (1996); Chen and Oliver (2012), doi:10.1007/s11004-011-9376-z, equation 8, with
        exact derivatives; Wilson et al. (2021), arXiv:2011.04026, equation 9, for a linear h
    """
    best, at_best = noise, linearise(observe, noise)
    cost = _cost(best, noise, at_best.values, targets, errors)
    step = _gauss_newton(best, noise, at_best, targets, errors) - best
    size = torch.ones(len(noise), 1)
    done = torch.zeros(len(noise), dtype=torch.bool)  # of each member by itself, whatever is computed with it
    for _ in range(iterations - 1):
        of_values = (torch.einsum("mon,mn->mo", at_best.jacobian, step) / errors).abs().amax(1)
        done |= torch.maximum(step.norm(dim=1), of_values / VALUES_PER_NOISE) < tolerance
        if bool(done.all()):
            break
        tried = best + size * step
        at_tried = linearise(observe, tried)
        found = _cost(tried, noise, at_tried.values, targets, errors)
        better = (found < cost) & ~done
        best = torch.where(better[:, None], tried, best)
        at_best = Linearised(
            torch.where(better[:, None], at_tried.values, at_best.values),
            torch.where(better[:, None, None], at_tried.jacobian, at_best.jacobian),
        )
        cost = torch.where(better, found, cost)
        size = torch.where(better[:, None], torch.ones_like(size), size / 2)
        step = _gauss_newton(best, noise, at_best, targets, errors) - best
    return best, at_best.values


def _gauss_newton(best: Noise, noise: Noise, at_best: Linearised, targets: Values, errors: Tensor) -> Noise:
    """Minimum of the cost where h is replaced by its linearisation: z_0 + J' (J J' + R)^-1 (t - h + J (z - z_0))."""
    jacobian = at_best.jacobian.double() / errors.double()[:, None]
    misfit = (targets.double() - at_best.values.double()) / errors.double()
    moved = torch.einsum("mon,mn->mo", jacobian, (best - noise).double())
    system = jacobian @ jacobian.transpose(1, 2) + torch.eye(len(errors), dtype=torch.float64)
    weights = torch.linalg.solve(system, misfit + moved)
    return noise + torch.einsum("mon,mo->mn", jacobian, weights).to(noise.dtype)


def _cost(tried: Noise, noise: Noise, values: Values, targets: Values, errors: Tensor) -> Float[Tensor, " member"]:
    prior = (tried - noise).double().square().sum(1)
    return (prior + ((values - targets).double() / errors.double()).square().sum(1)) / 2
