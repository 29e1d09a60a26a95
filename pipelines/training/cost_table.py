"""Prints the costs of training and running systems as a table."""

import json
import math
from collections.abc import Sequence

from data_catalog.errors import ConfigurationError
from forecast.diffusion.samplers import network_evaluations
from forecast.model.costs import costs
from forecast.sphere.grid import Grid
from forecast.system.derived import pretraining_system
from forecast.system.system import System
from forecast.training.stages import Stage, stages
from pipelines.training.cluster_costs import evaluations


def print_costs(systems: Sequence[System]) -> None:
    """Print the costs of systems as a Markdown table with one column for each system."""
    columns = [_figures(system) for system in systems]
    print(f"| | {' | '.join(system.name for system in systems)} |")
    print(f"|---|{'---|' * len(systems)}")
    for name in columns[0]:
        print(f"| {name} | {' | '.join(column[name] for column in columns)} |")


def costs_as_json(systems: Sequence[System]) -> str:
    """Return the same figures as a JSON object, by system and title."""
    return json.dumps({system.name: _figures(system) for system in systems}, indent=1)


def _figures(system: System) -> dict[str, str]:
    """Return each figure as text, by the title of its row."""
    grid = grid_of_system(system)
    found = costs(system, grid)
    denoised = system if system.pretraining is None else pretraining_system(system)
    options, sampler = denoised.training, system.sampler
    together = options.micro_batch_size or options.batch_size
    lead_steps = system.forecast.lead_days * 24 // system.state.step_hours
    evaluations = network_evaluations(sampler.kind, sampler.sampling_steps)
    member = evaluations * lead_steps * found.evaluation_flops
    step = options.batch_size * found.training_flops
    several = f"; {networks} networks, figures for one" if (networks := system.training.networks) > 1 else ""
    return {
        "grid, channels": f"{grid.shape[0]} x {grid.shape[1]}, {len(system.state.predictands)}",
        "network": f"{system.network.kind}, {found.parameters / 1e6:.3g} M weights{several}",
        "training": f"{options.precision}{', recomputed activations' if options.recompute_activations else ''}",
        "weights, average, moments": in_bytes(16 * found.parameters),
        "each further sample": in_bytes(found.sample_bytes),
        "a process, all weights": f"{in_bytes(found.training_bytes(together))} with {together} samples at a time",
        "one sample": in_operations(found.training_flops),
        "one training step": f"{in_operations(step)}, {options.batch_size} samples",
        "denoising stage": f"{in_operations(step * options.iterations)}, {options.iterations} steps",
        "all stages": in_operations(found.training_flops * sum(map(_evaluations, _all_stages(system)))),
        "forecast: one evaluation": f"{in_operations(found.evaluation_flops)}, {in_bytes(found.forecast_bytes)}",
        "forecast: one member": f"{in_operations(member)}, {lead_steps} lead steps of {evaluations}",
    }


def _all_stages(system: System) -> tuple[Stage, ...]:
    """The stages of one network; mean networks of the anchor are left out."""
    before = () if system.pretraining is None else stages(pretraining_system(system))
    return (*before, *stages(system))


def _evaluations(stage: Stage) -> int:
    """Forward and backward passes through an evaluation in a whole stage."""
    return stage.iterations * stage.batch_size * math.prod(evaluations(stage))


def grid_of_system(system: System) -> Grid:
    """Return the grid of a system's dataset.

    Args:
        system: The system.

    Raises:
        ConfigurationError: The grid is known only from the data.
    """
    axes = system.entry.grid
    if axes is None:
        raise ConfigurationError(
            f"system {system.name}: expected a dataset whose grid is known, found {system.dataset}"
        )
    return Grid(*axes.coordinates())


def in_bytes(count: float) -> str:
    """Return a number of bytes as text, such as `3.34 GiB`.

    Args:
        count: Number of bytes.
    """
    for unit in ("KiB", "MiB"):
        count /= 1024
        if count < 1000:
            return f"{count:.3g} {unit}"
    count /= 1024
    return f"{count:.3g} GiB" if count < 1000 else f"{count / 1024:.3g} TiB"


def in_operations(count: float) -> str:
    """Return a number of operations as text, such as `583 GFLOP`.

    Args:
        count: Number of operations.
    """
    for unit in ("M", "G", "T", "P"):
        count /= 1e6 if unit == "M" else 1e3
        if count < 1000:
            return f"{count:.3g} {unit}FLOP"
    return f"{count / 1e3:.3g} EFLOP"
