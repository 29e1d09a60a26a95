"""Systems that are derived from another: those of its mean network, and of its pretraining."""

from forecast.system.anchor import AnchorSettings
from forecast.system.diffusion import Diffusion
from forecast.system.system import System


def mean_system(system: System) -> System:
    """Return the system that trains the mean network of a system's anchor.

    The network learns the error of a persistence anchor by denoising from almost pure noise, where the best estimate is
    the mean. It keeps the state, the periods and the optimiser of the system.

    Args:
        system: A system whose anchor is of the kind `mean`.
    """
    mean = system.anchor.mean
    return system.changed(
        anchor=AnchorSettings(kind="persistence"),
        network=mean.network,
        training=system.training.changed(
            iterations=mean.iterations,
            batch_size=mean.batch_size,
            learning_rate=mean.learning_rate,
            stored_as="float16",
        ),
        diffusion=Diffusion(),
        finetuning=(),
        pretraining=None,
    )


def pretraining_system(system: System, *, iterations: int | None = None) -> System:
    """Return the system whose training is the pretraining of a system.

    Args:
        system: A system with a pretraining.
        iterations: Limit on the iterations of each stage; None for no limit.
    """
    options = system.pretraining
    assert options is not None, "a system with a pretraining"

    def length(wanted: int) -> int:
        return min(wanted, iterations or wanted)

    return system.changed(
        training=system.training.changed(
            iterations=length(options.iterations), batch_size=options.batch_size, networks=1, stored_as="float16"
        ),
        finetuning=tuple(stage.changed(iterations=length(stage.iterations)) for stage in options.finetuning),
        pretraining=None,
    )
