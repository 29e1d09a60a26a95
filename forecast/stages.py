"""What a training consists of: stages, each of which minimises one objective."""

from dataclasses import dataclass

from forecast.objectives import Denoising, Objective, RolloutCrps
from forecast.system import System


@dataclass(frozen=True)
class Stage:
    """A part of a training that minimises one objective."""

    name: str
    objective: Objective
    iterations: int
    batch_size: int
    learning_rate: float


def stages(system: System, *, iterations: int | None = None, continues: bool = False) -> tuple[Stage, ...]:
    """What a training consists of, in order.

    Args:
        system: What to train.
        iterations: Of the denoising stage, in place of the system's number; the other stages get at most as many.
        continues: It starts from a checkpoint: without the denoising stage, where others follow.
    """
    options = system.training
    result = []
    if not (continues and system.finetuning):
        objective = Denoising()
        length = iterations or options.iterations
        result.append(Stage("denoising", objective, length, options.batch_size, options.learning_rate))
    for tuning in system.finetuning:
        crps = RolloutCrps(system.sampler, tuning.lead_steps, tuning.members, tuning.fairness)
        length = min(tuning.iterations, iterations or tuning.iterations)
        name = f"fine-tuning over {tuning.lead_steps} lead step{'s' if tuning.lead_steps > 1 else ''}"
        result.append(Stage(name, crps, length, tuning.batch_size, tuning.learning_rate))
    return tuple(result)
