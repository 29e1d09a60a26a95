"""Noise levels fitted to a denoiser: where a sampler errs, its steps are short.

Steps that are chosen while sampling would make a member depend on who is sampled with it, and its cost unknown. So
the choice is made once, on a few samples, and written down as the sampler's levels.
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
"""Samplers whose steps depend on the one before are fitted as their closest relative that forgets."""
SUBSTEPS = 4


def fit_schedule(
    name: SamplerName,
    denoiser: Denoiser,
    x: Float[Tensor, "batch channel latitude longitude"],
    candidates: Float[Tensor, " candidate"],
    sampling_steps: int,
    tell: Callable[[int], object] = lambda _done: None,
) -> Float[Tensor, " sampling_step"]:
    """Choose the levels whose sampling steps leave a fine solution of the same equation least.

    Each possible sampling step from one candidate to another is made from the fine solution, and its error measured
    in units of the standard deviation of x there, which is how far it moves the sample in the end. The path of so
    many steps whose errors have the least sum, a bound on the error of the sample, is found by dynamic programming.

    Args:
        name: The sampler; not `renoise`, which follows no equation.
        denoiser: Expected clean state given (x, sigma).
        x: Noise of standard deviation `candidates[0]`.
        candidates: Descending noise levels to choose from, the last one zero.
        sampling_steps: Levels above zero that are chosen; the first is the first candidate.
        tell: Called with the number of candidates from which every step has been tried.

    Returns:
        `sampling_steps + 1` descending levels, the last one zero.

    Raises:
        ValueError: There are fewer candidates than sampling steps.

    Source: dynamic programming over schedules as in Watson et al. (2021), arXiv:2106.03802; fitted to the sampler's
        own error as in Sabour et al. (2024), arXiv:2404.14507
    """
    if candidates.numel() < sampling_steps + 1:
        raise ValueError(f"schedule: expected {sampling_steps + 1} candidates or more, found {candidates.numel()}")
    errors = step_errors(STEP_OF.get(name, name), denoiser, x, candidates, tell)
    return candidates[cheapest_path(errors, sampling_steps)]


@torch.no_grad()
def step_errors(
    name: SamplerName,
    denoiser: Denoiser,
    x: Float[Tensor, "batch channel latitude longitude"],
    candidates: Float[Tensor, " candidate"],
    tell: Callable[[int], object] = lambda _done: None,
) -> Float[Tensor, "candidate candidate"]:
    """Root-mean-square error of a sampling step from one level to another, over the standard deviation of x there.

    Returns:
        Error from row to column; infinite where the column's level is not below the row's.
    """
    levels, solution = candidates.tolist(), fine_solution(denoiser, x, candidates)
    errors = torch.full((len(levels), len(levels)), torch.inf, dtype=torch.float64)
    for start, level in enumerate(levels[:-1]):
        for end in range(start + 1, len(levels)):
            reached, _ = SAMPLING_STEPS[name](denoiser, solution[start], level, levels[end], None)
            error = (reached - solution[end]).square().mean().sqrt()
            errors[start, end] = error / (1.0 + levels[end] ** 2) ** 0.5
        tell(start + 1)
    return errors


def fine_solution(denoiser: Denoiser, x: Tensor, candidates: Float[Tensor, " candidate"]) -> list[Tensor]:
    """State at each candidate, by several small Heun steps between neighbours."""
    solution = [x]
    for start, end in itertools.pairwise(candidates.tolist()):
        ramp = torch.linspace(0.0, 1.0, SUBSTEPS + 1, dtype=torch.float64)
        solution.append(heun(denoiser, solution[-1], start * (end / start) ** ramp if end else candidates[-2:]))
    return solution


def cheapest_path(errors: Float[Tensor, "candidate candidate"], steps: int) -> list[int]:
    """From the first candidate to the last in so many steps, with the least sum of errors."""
    best, origins = errors[0], []
    for _ in range(steps - 1):
        totals = best[:, None] + errors
        best, origin = totals.min(dim=0)
        origins.append(origin)
    path = [errors.shape[0] - 1]
    for origin in reversed(origins):
        path.append(int(origin[path[-1]]))
    return [0, *reversed(path)]
