"""Noise levels fitted to a denoiser, so that a sampler takes short steps where its error is large.

Step sizes chosen while sampling would make a member depend on the others in its batch, and its cost unknown. The levels
are therefore fitted once, on a few samples, and written to the system file.
"""

import itertools
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from forecast.diffusion.preconditioning import Denoiser
from forecast.diffusion.samplers import SAMPLING_STEPS, heun
from forecast.system.names import SamplerName

STEP_OF: dict[SamplerName, SamplerName] = {"dpmpp-2m": "dpmpp-2s"}
"""A multistep sampler is fitted as the single-step sampler closest to it, whose steps have an error of their own."""
SUBSTEPS = 4
"""Heun steps between neighbouring candidates in the solution that errors are measured against."""


def fit_schedule(
    name: SamplerName,
    denoiser: Denoiser,
    x: Float[Tensor, "batch channel latitude longitude"],
    candidates: Float[Tensor, " candidate"],
    sampling_steps: int,
    report: Callable[[int], object] = lambda _done: None,
) -> Float[Tensor, " sampling_step"]:
    """Choose the noise levels with which a sampler stays closest to an accurate solution of its equation.

    A step between each pair of candidates is taken from the accurate solution, and its error measured in units of the
    standard deviation of x there, which is about how far it moves the finished sample. Dynamic programming finds the
    sequence of steps with the smallest sum of errors, a bound on the error of the sample.

    Args:
        name: The sampler; not `renoise`, which follows no equation.
        denoiser: Returns the expected clean state given (x, sigma).
        x: Noise of standard deviation `candidates[0]`.
        candidates: Descending noise levels to choose from, the last one zero.
        sampling_steps: Number of levels above zero to choose; the first is the first candidate.
        report: Called with the number of candidates from which all steps have been tried, for progress.

    Returns:
        `sampling_steps + 1` descending levels, the last one zero.

    Raises:
        ValueError: There are fewer candidates than sampling steps.

    Source: dynamic programming over schedules as in Watson et al. (2021), arXiv:2106.03802; fitted to the sampler's
        own error as in Sabour et al. (2024), arXiv:2404.14507
    """
    if candidates.numel() < sampling_steps + 1:
        raise ValueError(f"schedule: expected {sampling_steps + 1} candidates or more, found {candidates.numel()}")
    errors = step_errors(STEP_OF.get(name, name), denoiser, x, candidates, report)
    return candidates[cheapest_path(errors, sampling_steps)]


@torch.no_grad()
def step_errors(
    name: SamplerName,
    denoiser: Denoiser,
    x: Float[Tensor, "batch channel latitude longitude"],
    candidates: Float[Tensor, " candidate"],
    report: Callable[[int], object] = lambda _done: None,
) -> Float[Tensor, "candidate candidate"]:
    """Return the error of a sampling step between each pair of noise levels.

    Args:
        name: A single-step sampler.
        denoiser: Returns the expected clean state given (x, sigma).
        x: Noise of standard deviation `candidates[0]`.
        candidates: Descending noise levels, the last one zero.
        report: Called with the number of candidates from which all steps have been tried, for progress.

    Returns:
        Root-mean-square error of the step from the row's to the column's level, in units of the standard deviation of x
        at the column's level; infinite where that is not below the row's.
    """
    levels, solution = candidates.tolist(), fine_solution(denoiser, x, candidates)
    errors = torch.full((len(levels), len(levels)), torch.inf, dtype=torch.float64)
    for start, level in enumerate(levels[:-1]):
        for end in range(start + 1, len(levels)):
            reached, _ = SAMPLING_STEPS[name](denoiser, solution[start], level, levels[end], None)
            error = (reached - solution[end]).square().mean().sqrt()
            errors[start, end] = error / (1.0 + levels[end] ** 2) ** 0.5
        report(start + 1)
    return errors


def fine_solution(
    denoiser: Denoiser,
    x: Float[Tensor, "batch channel latitude longitude"],
    candidates: Float[Tensor, " candidate"],
) -> list[Float[Tensor, "batch channel latitude longitude"]]:
    """Return an accurate solution of the probability-flow equation at each noise level.

    Args:
        denoiser: Returns the expected clean state given (x, sigma).
        x: Noise of standard deviation `candidates[0]`.
        candidates: Descending noise levels, the last one zero.

    Returns:
        The noisy state at each level, by several Heun steps from the level before.
    """
    solution = [x]
    for start, end in itertools.pairwise(candidates.tolist()):
        ramp = torch.linspace(0.0, 1.0, SUBSTEPS + 1, dtype=torch.float64)
        solution.append(heun(denoiser, solution[-1], start * (end / start) ** ramp if end else candidates[-2:]))
    return solution


def cheapest_path(errors: Float[Tensor, "candidate candidate"], steps: int) -> list[int]:
    """Return the path from the first candidate to the last with a given number of steps and the smallest sum of errors.

    Args:
        errors: Error of the step from the row's to the column's candidate.
        steps: Number of steps.

    Returns:
        `steps + 1` indices of candidates.
    """
    best, origins = errors[0], []
    for _ in range(steps - 1):
        totals = best[:, None] + errors
        best, origin = totals.min(dim=0)
        origins.append(origin)
    path = [errors.shape[0] - 1]
    for origin in reversed(origins):
        path.append(int(origin[path[-1]]))
    return [0, *reversed(path)]
