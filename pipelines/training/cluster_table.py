"""Prints what a system takes on many GPUs beside published figures, and which of the numbers are assumptions."""

from pathlib import Path

from forecast.model.costs import costs
from forecast.system.system import System
from pipelines.training.cluster_costs import Estimate, Work, forecast_estimate, training_estimates
from pipelines.training.clusters import ASSUMED, Cluster, measured_speeds
from pipelines.training.cost_table import grid_of_system, in_bytes, in_operations

PUBLISHED = (
    ("GenCast, 0.25 degrees", "1500 s a member, H100", "not known here", "arXiv:2312.15796"),
    ("FourCastNet 3, 0.25 degrees", "about 60 s a member, H100", "not known here", "arXiv:2507.12144"),
    ("ArchesWeatherGen, 1.5 degrees", "60 s a member, A100", "not known here", "arXiv:2412.12971"),
    ("U-Cast, 1.5 degrees", "3 s an ensemble", "under 12 days of an H200", "arXiv:2604.09041"),
    ("Continuous Ensemble Forecasting, 5.6 degrees", "not known here", "about 2 days of an A100", "ICLR 2025"),
)
"""15 days and a training of other models, as their authors give them."""


def print_cluster_costs(system: System, cluster: Cluster, figures: Path | None = None) -> None:
    """Print time, memory and network volume of a system's training and of a large forecast.

    Args:
        system: The system.
        cluster: The machines.
        figures: `gpu.json` of `benchmarks/gpu.py`, whose shares of peak replace the assumed ones; None for those.

    Raises:
        ConfigurationError: Batches do not divide among the GPUs, there are too many bands, or the figures do not fit.
    """
    grid = grid_of_system(system)
    whole = costs(system, grid)
    divided = whole if cluster.bands == 1 else costs(system, grid, bands=cluster.bands)
    speeds = ASSUMED if figures is None else measured_speeds(figures, system.name, cluster.gpu)
    work = Work(system, grid, whole, divided, cluster, speeds)
    training, forecast = training_estimates(work), forecast_estimate(work)
    for line in (*_costs(work, training, forecast), "", *_assumptions(work), "", *_published()):
        print(line)


def _costs(work: Work, training: list[Estimate], forecast: Estimate) -> list[str]:
    cluster, networks = work.cluster, work.system.training.networks
    where = f"{cluster.nodes} x {cluster.gpus} {cluster.gpu.title}"
    bands = f", teams of {cluster.bands} in bands" if cluster.bands > 1 else ""
    total = networks * sum(stage.seconds for stage in training)
    cost = total / 3600 * cluster.processes * cluster.gpu.euros_per_hour
    several = f" of {networks} networks" if networks > 1 else ""
    hours = f"{total / 3600 * cluster.processes:.3g} GPU hours"
    rows = [_row(each, cluster) for each in (*training, forecast)]
    return [
        f"{work.system.name} on {where}{bands}",
        "",
        "| | arithmetic | time | of it network | memory of a process | received by a process |",
        "|---|---|---|---|---|---|",
        *rows,
        "",
        f"Whole training{several}: {_duration(total)}, {hours}, {cost:.3g} euros.",
    ]


def _row(part: Estimate, cluster: Cluster) -> str:
    fits = "" if part.memory < cluster.gpu.memory_bytes else f", MORE than {in_bytes(cluster.gpu.memory_bytes)}"
    share = part.waiting / part.seconds
    cells = (part.name, in_operations(part.operations), _duration(part.seconds), f"{share:.1%}")
    return f"| {' | '.join(cells)} | {in_bytes(part.memory)}{fits} | {in_bytes(part.received)} |"


def _assumptions(work: Work) -> list[str]:
    gpu, speeds, cluster = work.cluster.gpu, work.speeds, work.cluster
    training, forecast = f"{gpu.bfloat16_flops / 1e12:.0f} TFLOP/s", f"{gpu.float32_flops / 1e12:.3g} TFLOP/s"
    return [
        f"Counted: arithmetic, memory and exchanged rows, {work.whole.parameters / 1e6:.3g} M weights.",
        f"Shares of peak ({speeds.origin}): training {speeds.training:.0%} of {training} in bfloat16, forecast "
        f"{speeds.forecast:.0%} of {forecast} in float32.",
        f"Assumed: {cluster.between_all / 1e9:.0f} GB/s among all processes, {cluster.within_team / 1e9:.0f} GB/s in "
        f"a team, no overlap of network and arithmetic, a loader that keeps up, {gpu.euros_per_hour:.2f} euros a GPU "
        "hour.",
        "Left out: validation, checkpoints, the optimiser's own time, writing files.",
    ]


def _published() -> list[str]:
    head = ["| published | 15 days | training | |", "|---|---|---|---|"]
    return head + [f"| {' | '.join(row)} |" for row in PUBLISHED]


def _duration(seconds: float) -> str:
    for unit, length in (("days", 86_400.0), ("hours", 3600.0), ("minutes", 60.0)):
        if seconds >= 2 * length:
            return f"{seconds / length:.3g} {unit}"
    return f"{seconds:.3g} s"
