"""TODO: forecast/system/derived.py."""

from forecast.system.system import System


def mean_system(system: System) -> System:
    """The system whose model is the mean network of a system's anchor: a model of the step from persistence."""
    mean, content = system.anchor.mean, system.model_dump()
    lengths = {"iterations": mean.iterations, "batch_size": mean.batch_size, "learning_rate": mean.learning_rate}
    parts = {
        "anchor": {"kind": "persistence"},
        "network": mean.network.model_dump(),
        "training": content["training"] | lengths | {"stored_as": "float16"},
        "diffusion": {},
        "finetuning": (),
        "pretraining": None,
    }
    return System.model_validate(content | parts)


def pretraining_system(system: System, *, iterations: int | None = None) -> System:
    """The system whose training is a system's pretraining.

    Args:
        system: One with a pretraining.
        iterations: Each stage gets at most as many.
    """
    options, content = system.pretraining, system.model_dump()
    assert options is not None, "a system with a pretraining"

    def length(wanted: int) -> int:
        return min(wanted, iterations or wanted)

    lengths = {"iterations": length(options.iterations), "batch_size": options.batch_size}
    alone = {"networks": 1, "stored_as": "float16"}
    finetuning = [tuning.model_dump() | {"iterations": length(tuning.iterations)} for tuning in options.finetuning]
    parts = {"training": content["training"] | lengths | alone, "finetuning": finetuning, "pretraining": None}
    return System.model_validate(content | parts)
