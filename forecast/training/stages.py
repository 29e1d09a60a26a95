"""The stages of a training, each of which minimises one objective."""

from collections.abc import Mapping
from dataclasses import dataclass

from data_catalog.errors import ConfigurationError
from forecast.checkpoints.checkpoint import Checkpoint
from forecast.states.standardiser import is_amount
from forecast.system.derived import pretraining_system
from forecast.system.system import System
from forecast.system.training import Finetuning
from forecast.training.objectives import ConsistencyDistillation, Denoising, MeanError, Objective
from forecast.training.rollout_crps import RolloutCrps

LeftOut = tuple[int, ...]
"""Calendar years that a mean network does not learn from."""


@dataclass(frozen=True)
class Stage:
    """A part of a training that minimises one objective.

    Attributes:
        name: Name in messages, progress and the training record.
        objective: The objective to minimise.
        iterations: Number of iterations.
        batch_size: Samples per iteration, over all processes.
        learning_rate: Peak learning rate, after the warm-up.
    """

    name: str
    objective: Objective
    iterations: int
    batch_size: int
    learning_rate: float


@dataclass(frozen=True)
class TrainingPlan:
    """All stages of a training, in order.

    Attributes:
        pretraining: Stages on windows of a global dataset, before the others.
        means: Stage of each mean network of the anchor, by the years that it leaves out.
        stages: Stages of the system's own network.
    """

    pretraining: tuple[Stage, ...]
    means: Mapping[LeftOut, Stage]
    stages: tuple[Stage, ...]

    @property
    def all_stages(self) -> tuple[Stage, ...]:
        """All stages, in order."""
        return (*self.pretraining, *self.means.values(), *self.stages)

    @property
    def iterations(self) -> int:
        """Number of iterations of the whole training."""
        return sum(stage.iterations for stage in self.all_stages)

    @property
    def lead_steps(self) -> int:
        """Largest number of states after the past ones that a sample needs."""
        return max(stage.objective.lead_steps for stage in (*self.pretraining, *self.stages))


def plan_training(
    system: System, *, iterations: int | None = None, initial_checkpoint: Checkpoint | None = None
) -> TrainingPlan:
    """Plan all stages of a training.

    Args:
        system: The system to train.
        iterations: Number of iterations of the denoising stage instead of the system's; other stages get at most as
            many.
        initial_checkpoint: Checkpoint to start from. The plan then has no pretraining, no mean network of all years
            and, if other stages follow, no denoising stage. A distillation stage takes its model as the teacher.

    Raises:
        ConfigurationError: There is no checkpoint for a distillation stage, or there are too few years to cross-fit.
    """
    pretraining: tuple[Stage, ...] = ()
    if system.pretraining is not None and initial_checkpoint is None:
        pretraining = stages(pretraining_system(system, iterations=iterations))
    return TrainingPlan(
        pretraining=pretraining,
        means=mean_stages(system, iterations=iterations, continues=initial_checkpoint is not None),
        stages=stages(system, iterations=iterations, initial_checkpoint=initial_checkpoint),
    )


def stages(
    system: System, *, iterations: int | None = None, initial_checkpoint: Checkpoint | None = None
) -> tuple[Stage, ...]:
    """Plan the stages of a system's own network: denoising, then fine-tuning.

    Args:
        system: The system to train.
        iterations: Number of iterations of the denoising stage instead of the system's; fine-tuning gets at most as
            many.
        initial_checkpoint: Checkpoint to start from; denoising is then left out if other stages follow.

    Raises:
        ConfigurationError: There is no checkpoint for a distillation stage.
    """
    options = system.training
    result = []
    starts_trained = initial_checkpoint is not None or system.pretraining is not None
    if not (starts_trained and system.finetuning):
        length = iterations or options.iterations
        result.append(Stage("denoising", Denoising(), length, options.batch_size, options.learning_rate))
    for tuning in system.finetuning:
        length = min(tuning.iterations, iterations or tuning.iterations)
        objective, name = _objective(system, tuning, initial_checkpoint)
        result.append(Stage(name, objective, length, tuning.batch_size, tuning.learning_rate))
    return tuple(result)


def _objective(system: System, options: Finetuning, initial_checkpoint: Checkpoint | None) -> tuple[Objective, str]:
    """Return the objective of a fine-tuning stage, and the name of the stage."""
    # A factor on the noise calibrates a trained model; training with the factor would undo it.
    sampler = system.sampler.changed(noise_inflation=1.0)
    if options.objective == "consistency":
        if initial_checkpoint is None:
            raise ConfigurationError(
                f"system {system.name}: finetuning: expected an initial checkpoint, which objective 'consistency' "
                "distils, found none"
            )
        return ConsistencyDistillation(initial_checkpoint.model, sampler, options.levels), "distillation"
    objective = RolloutCrps(
        sampler,
        options.lead_steps,
        options.members,
        options.fairness,
        spectral_weight=options.spectral_weight,
        amounts=tuple(place for place, name in enumerate(system.state.predictands) if is_amount(name)),
        amounts_weight=options.amounts_weight,
    )
    return objective, f"fine-tuning over {options.lead_steps} lead step{'s' if options.lead_steps > 1 else ''}"


def mean_stages(system: System, *, iterations: int | None = None, continues: bool = False) -> dict[LeftOut, Stage]:
    """Plan the trainings of the mean networks of a system's anchor, by the years that each leaves out.

    Args:
        system: The system to train.
        iterations: Largest number of iterations of each training; None for the system's number.
        continues: Whether the training starts from a checkpoint, which already has the network of all years.

    Raises:
        ConfigurationError: The anchor is to be cross-fitted, and there is only one training year.
    """
    options, years = system.anchor.mean, _training_years(system)
    if system.anchor.kind != "mean":
        return {}
    left_out: list[LeftOut] = [] if continues else [()]
    if system.anchor.cross_fitted:
        if len(years) < 2:
            raise ConfigurationError(
                f"system {system.name}: anchor.cross_fitted: expected two years of training or more, found {years}"
            )
        groups = min(max(options.folds, 2), len(years))
        left_out += [tuple(years[start::groups]) for start in range(groups)]
    length = min(options.iterations, iterations or options.iterations)
    return {
        group: Stage(_mean_name(group), MeanError(), length, options.batch_size, options.learning_rate)
        for group in left_out
    }


def _training_years(system: System) -> list[int]:
    period = system.periods.training
    return list(range(period.start.year, period.end.year + 1))


def _mean_name(left_out: LeftOut) -> str:
    return "mean network" + (f" without {', '.join(map(str, left_out))}" if left_out else "")
