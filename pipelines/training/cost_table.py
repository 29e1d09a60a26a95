"""Prints the costs of training and running systems as a table."""

from collections.abc import Sequence

from data_catalog.errors import ConfigurationError
from forecast.diffusion.samplers import network_evaluations
from forecast.model.costs import costs
from forecast.sphere.grid import Grid
from forecast.system.derived import pretraining_system
from forecast.system.system import System


def print_costs(systems: Sequence[System]) -> None:
    """Print the costs of systems as a Markdown table with one column for each system."""
    columns = [_figures(system) for system in systems]
    print(f"| | {' | '.join(system.name for system in systems)} |")
    print(f"|---|{'---|' * len(systems)}")
    for name in columns[0]:
        print(f"| {name} | {' | '.join(column[name] for column in columns)} |")


def _figures(system: System) -> dict[str, str]:
    """Return each figure as text, by the title of its row."""
    grid = _grid(system)
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
        "weights, average, moments": _memory(16 * found.parameters),
        "each further sample": _memory(found.sample_bytes),
        "a process, all weights": f"{_memory(found.training_bytes(together))} with {together} samples at a time",
        "one sample": _operations(found.training_flops),
        "one training step": f"{_operations(step)}, {options.batch_size} samples",
        "denoising stage": f"{_operations(step * options.iterations)}, {options.iterations} steps",
        "forecast: one evaluation": f"{_operations(found.evaluation_flops)}, {_memory(found.forecast_bytes)}",
        "forecast: one member": f"{_operations(member)}, {lead_steps} lead steps of {evaluations}",
    }


def _grid(system: System) -> Grid:
    axes = system.entry.grid
    if axes is None:
        raise ConfigurationError(
            f"system {system.name}: expected a dataset whose grid is known, found {system.dataset}"
        )
    return Grid(*axes.coordinates())


def _memory(count: float) -> str:
    for unit in ("KiB", "MiB"):
        count /= 1024
        if count < 1000:
            return f"{count:.3g} {unit}"
    return f"{count / 1024:.3g} GiB"


def _operations(count: float) -> str:
    for unit in ("M", "G", "T", "P"):
        count /= 1e6 if unit == "M" else 1e3
        if count < 1000:
            return f"{count:.3g} {unit}FLOP"
    return f"{count / 1e3:.3g} EFLOP"
