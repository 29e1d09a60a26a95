"""What a training consists of: stages, each of which minimises one objective."""

from dataclasses import dataclass

from data_catalog.errors import ConfigurationError
from forecast.model.step_model import StepModel
from forecast.states.standardiser import is_amount
from forecast.system.derived import pretraining_system
from forecast.system.system import System
from forecast.system.training import Finetuning
from forecast.training.objectives import ConsistencyDistillation, Denoising, MeanError, Objective, RolloutCrps


@dataclass(frozen=True)
class Stage:
    """A part of a training that minimises one objective."""

    name: str
    objective: Objective
    iterations: int
    batch_size: int
    learning_rate: float


def stages(
    system: System, *, iterations: int | None = None, continues: bool = False, teacher: StepModel | None = None
) -> tuple[Stage, ...]:
    """What a training consists of, in order.

    Args:
        system: What to train.
        iterations: Of the denoising stage, in place of the system's number; the other stages get at most as many.
        continues: It starts from weights: without the denoising stage, where others follow.
        teacher: That checkpoint's model, for stages that distil it.

    Raises:
        ConfigurationError: A stage distils a checkpoint, and there is none.
    """
    options = system.training
    result = []
    if not ((continues or system.pretraining) and system.finetuning):
        objective = Denoising()
        length = iterations or options.iterations
        result.append(Stage("denoising", objective, length, options.batch_size, options.learning_rate))
    for tuning in system.finetuning:
        if tuning.objective == "consistency" and not continues:
            raise ConfigurationError(
                f"system {system.name}: finetuning: expected a training from a checkpoint (--from), which objective "
                "'consistency' distils, found one from scratch"
            )
        length = min(tuning.iterations, iterations or tuning.iterations)
        result.append(_tuning(system, tuning, length, teacher))
    return tuple(result)


def _tuning(system: System, options: Finetuning, length: int, teacher: StepModel | None) -> Stage:
    objective: Objective
    # A factor on the noise calibrates a trained model; one that was trained with it would have learned it away.
    sampler = system.sampler.changed(noise_inflation=1.0)
    if options.objective == "consistency":
        objective = ConsistencyDistillation(teacher, sampler, options.levels)
        name = "distillation"
    else:
        objective = RolloutCrps(
            sampler,
            options.lead_steps,
            options.members,
            options.fairness,
            spectral_weight=options.spectral_weight,
            amounts=tuple(place for place, name in enumerate(system.state.predictands) if is_amount(name)),
            amounts_weight=options.amounts_weight,
        )
        name = f"fine-tuning over {options.lead_steps} lead step{'s' if options.lead_steps > 1 else ''}"
    return Stage(name, objective, length, options.batch_size, options.learning_rate)


def mean_stages(
    system: System, *, iterations: int | None = None, continues: bool = False
) -> dict[tuple[int, ...], Stage]:
    """Trainings of the mean networks of a system's anchor, each under the years that it leaves out.

    Args:
        system: What to train.
        iterations: At most as many.
        continues: It starts from a checkpoint, which has the network of all years.

    Raises:
        ConfigurationError: There is nothing to cross-fit, as all years of training are one.
    """
    options, years = system.anchor.mean, _training_years(system)
    if system.anchor.kind != "mean":
        return {}
    left_out: list[tuple[int, ...]] = [] if continues else [()]
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


def total_iterations(system: System, *, iterations: int | None = None, continues: bool = False) -> int:
    """Iterations of all stages, those of mean networks included; see `stages`."""
    denoising = stages(system, iterations=iterations, continues=continues)
    means = mean_stages(system, iterations=iterations, continues=continues)
    before: tuple[Stage, ...] = ()
    if system.pretraining is not None and not continues:
        before = stages(pretraining_system(system, iterations=iterations))
    return sum(stage.iterations for stage in (*before, *denoising, *means.values()))


def _training_years(system: System) -> list[int]:
    period = system.periods.training
    return list(range(period.start.year, period.end.year + 1))


def _mean_name(left_out: tuple[int, ...]) -> str:
    return "mean network" + (f" without {', '.join(map(str, left_out))}" if left_out else "")
