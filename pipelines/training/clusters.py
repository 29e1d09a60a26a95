"""Machines with GPUs, by their makers' figures, and the share of those that networks reach."""

import json
from dataclasses import dataclass
from pathlib import Path

from data_catalog.errors import ConfigurationError


@dataclass(frozen=True)
class Gpu:
    """A kind of GPU, as a node of eight has it.

    Attributes:
        title: Name in tables.
        bfloat16_flops: Peak of dense products in bfloat16, operations a second.
        float32_flops: Peak of full float32, operations a second.
        memory_bytes: Memory.
        link: Bytes a second that it receives from the others of its node.
        network: Bytes a second that it receives from other nodes.
        euros_per_hour: Assumed rent of one.
    """

    title: str
    bfloat16_flops: float
    float32_flops: float
    memory_bytes: float
    link: float
    network: float
    euros_per_hour: float


GPUS: dict[str, Gpu] = {
    "a100": Gpu("A100 (SXM, 80 GB)", 312e12, 19.5e12, 80e9, 300e9, 25e9, euros_per_hour=1.5),
    "h100": Gpu("H100 (SXM, 80 GB)", 989e12, 67e12, 80e9, 450e9, 50e9, euros_per_hour=2.5),
    "h200": Gpu("H200 (SXM, 141 GB)", 989e12, 67e12, 141e9, 450e9, 50e9, euros_per_hour=3.0),
}
"""Peaks, memory and NVLink of NVIDIA's data sheets, one adapter of 200 or 400 Gbit/s a GPU; prices are assumed."""


@dataclass(frozen=True)
class Speeds:
    """The shares of a GPU's peaks that networks reach.

    Attributes:
        training: Share of the peak in bfloat16, in training.
        forecast: Share of the peak in float32, in a forecast.
        origin: Where they come from.
    """

    training: float
    forecast: float
    origin: str


ASSUMED = Speeds(0.3, 0.5, "assumed, not measured")
"""Until `benchmarks/gpu.py` has measured them."""


@dataclass(frozen=True)
class Cluster:
    """Nodes of equal GPUs, with a process on each.

    Attributes:
        gpu: The kind of GPU.
        nodes: Number of nodes.
        gpus: GPUs of a node.
        bands: Successive processes that compute each globe together.

    Raises:
        ConfigurationError: The processes do not form whole teams.
    """

    gpu: Gpu
    nodes: int = 1
    gpus: int = 1
    bands: int = 1

    def __post_init__(self) -> None:
        if self.processes % self.bands:
            raise ConfigurationError(f"bands: expected a divisor of the {self.processes} GPUs, found {self.bands}")

    @property
    def processes(self) -> int:
        """Number of processes."""
        return self.nodes * self.gpus

    @property
    def teams(self) -> int:
        """Number of teams of processes that compute a globe together."""
        return self.processes // self.bands

    @property
    def between_all(self) -> float:
        """Bytes a second that a process receives in a collective operation of all."""
        return self.gpu.link if self.nodes == 1 else self.gpu.network

    @property
    def within_team(self) -> float:
        """Bytes a second that a process receives from its team."""
        return self.gpu.link if self.bands <= self.gpus else self.gpu.network


def gpu_named(name: str) -> Gpu:
    """Return a kind of GPU by its name.

    Args:
        name: Such as `h100`.

    Raises:
        ConfigurationError: It is not known.
    """
    if name not in GPUS:
        raise ConfigurationError(f"--gpu: expected one of {', '.join(GPUS)}, found '{name}'")
    return GPUS[name]


def measured_speeds(figures: Path, system: str, gpu: Gpu) -> Speeds:
    """Return the shares of a GPU's peaks that `benchmarks/gpu.py` measured for a system.

    Args:
        figures: Its file `gpu.json`.
        system: Name of the system.
        gpu: The kind of GPU that it ran on.

    Raises:
        ConfigurationError: The file is none, or holds no figures of a GPU for the system.
    """
    try:
        found = json.loads(figures.read_text())
        machine, peak = found["machine"], found["peak"]["flops"]
        steps, samples = (
            [row for row in found[kind] if row["system"] == system and "failed" not in row]
            for kind in ("training", "sampling")
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(f"{figures}: expected gpu.json of benchmarks/gpu.py, found {error!r}") from None
    full = [row for row in samples if row["precision"] == "float32"]
    if machine["device"] != "cuda" or machine["tiny"] or not steps or not full:
        what = "tiny networks" if machine["tiny"] else f"device {machine['device']}, {len(steps)} training steps"
        raise ConfigurationError(f"{figures}: expected figures of {system} on a GPU, found {what}")
    training = max(row["share_of_peak"] for row in steps) * peak / gpu.bfloat16_flops
    forecast = max(row["share_of_peak"] for row in full) * peak / gpu.float32_flops
    return Speeds(training, forecast, f"measured on {machine['name']}")
