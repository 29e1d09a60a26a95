"""Time, memory and network volume of a training and of a forecast on many GPUs, by stated formulas.

Arithmetic and memory are counted (`forecast.model.costs`), the shares of peak assumed or measured; the rest follows.

- *Time* is arithmetic / (peak x share) plus what is received / bandwidth: as if nothing overlapped.
- *Gradients*: with DDP, each process receives 2 (P-1)/P x 4 bytes a weight in an iteration, as in a ring. With FSDP2 it
  receives the weights in the forward and in the backward pass of each evaluation, and a part of the gradients:
  3 (P-1)/P x 4 bytes.
- *Bands*: rows of neighbours, sums of norms and joined maps are counted in a rehearsal of one process.
- *Memory*: 16 bytes a weight (weight, average, two moments; 1/P of it with FSDP2), gradients, and what each evaluation
  of each sample keeps for the backward pass; tables of isotropic noise and of harmonics.
- Left out: loading, validation, checkpoints, the optimiser's own time, writing files.
"""

from dataclasses import dataclass

from forecast.diffusion.samplers import network_evaluations
from forecast.members.ensemble import split_members
from forecast.model.costs import Costs
from forecast.parallel.bands import Bands
from forecast.parallel.ranks import Ranks
from forecast.sphere.grid import Grid
from forecast.system.system import System
from forecast.training.checks import check_shares
from forecast.training.rollout_crps import RolloutCrps
from forecast.training.stages import Stage, stages
from pipelines.training.clusters import Cluster, Speeds

MEMBERS, DAYS = 50, 15
"""The forecast that published figures are about."""
_REST_BYTES, _NUMBER = 16, 4


@dataclass(frozen=True)
class Estimate:
    """The cost of a part of the work.

    Attributes:
        name: Which part.
        operations: Arithmetic of all processes.
        computing: Seconds of arithmetic.
        waiting: Seconds in which a process receives from others.
        memory: Bytes of a process.
        received: Bytes that a process receives from others.
    """

    name: str
    operations: float
    computing: float
    waiting: float
    memory: float
    received: float

    @property
    def seconds(self) -> float:
        """Duration."""
        return self.computing + self.waiting


@dataclass(frozen=True)
class Work:
    """A system with its counted costs, and the machines that it is to run on.

    Attributes:
        system: The system.
        grid: Grid of its states.
        whole: Costs of a process that holds the whole globe.
        divided: Costs of a process in the cluster's number of bands.
        cluster: The machines.
        speeds: Shares of their peaks.
    """

    system: System
    grid: Grid
    whole: Costs
    divided: Costs
    cluster: Cluster
    speeds: Speeds


def training_estimates(work: Work) -> list[Estimate]:
    """Return the cost of each stage of a system's training, for one network.

    Args:
        work: The system and the machines.

    Raises:
        ConfigurationError: A batch does not divide among the teams.
    """
    cluster = work.cluster
    plan = stages(work.system)
    check_shares(plan, Ranks(0, cluster.processes, bands=Bands(0, cluster.bands)))
    return [_stage(work, stage) for stage in plan]


def _stage(work: Work, stage: Stage) -> Estimate:
    cluster, options = work.cluster, work.system.training
    members, calls = evaluations(stage)
    samples = stage.batch_size // cluster.teams
    together = min(samples, options.micro_batch_size or samples)
    passes = stage.iterations * samples * members * calls
    gradients = _gradient_bytes(work, calls=calls * -(-samples // together)) * stage.iterations
    halo = float(passes * work.divided.training_traffic)
    return Estimate(
        name=stage.name,
        operations=stage.iterations * stage.batch_size * members * calls * work.whole.training_flops,
        computing=passes * work.divided.training_flops / (cluster.gpu.bfloat16_flops * work.speeds.training),
        waiting=gradients / cluster.between_all + halo / cluster.within_team,
        memory=_training_bytes(work, together * members * calls),
        received=gradients + halo,
    )


def evaluations(stage: Stage) -> tuple[int, int]:
    """Return the number of members of a sample, and of calls of the network for each of them.

    Args:
        stage: A stage of a training.
    """
    objective = stage.objective
    if not isinstance(objective, RolloutCrps):
        return 1, 1
    sampler = objective.sampler
    return objective.members, objective.lead_steps * network_evaluations(sampler.kind, sampler.sampling_steps)


def _gradient_bytes(work: Work, *, calls: int) -> float:
    """Bytes that a process receives in an iteration to agree on weights and gradients."""
    processes = work.cluster.processes
    volume = _NUMBER * work.whole.parameters * (processes - 1) / processes
    return 3 * calls * volume if work.system.training.parallel == "fsdp" else 2 * volume


def _training_bytes(work: Work, evaluations: int) -> float:
    costs, sharded = work.divided, work.system.training.parallel == "fsdp"
    holders = work.cluster.processes if sharded else 1
    gradients = _NUMBER * costs.parameters
    rest = (_REST_BYTES * costs.parameters + gradients) / holders
    return rest + _table_bytes(work) + costs.first_sample_bytes - gradients + (evaluations - 1) * costs.sample_bytes


def _table_bytes(work: Work) -> int:
    """Memory of the square root of the noise's covariance, and of the harmonics of a spectral loss."""
    (rows, columns), system = work.grid.shape, work.system
    noise = {"white": 0, "isotropic": 1, "residual": len(system.state.predictands)}[system.diffusion.noise]
    total = noise * _NUMBER * (columns // 2 + 1) * rows**2
    if any(stage.spectral_weight or stage.amounts_weight for stage in system.finetuning):
        truncation = min(2 * rows // 3, rows - 1, columns // 2 - 1)
        total += _NUMBER * (truncation + 1) ** 2 * rows
    return total


def forecast_estimate(work: Work) -> Estimate:
    """Return the cost of a forecast of 50 members over 15 days.

    Args:
        work: The system and the machines.
    """
    system, cluster, costs = work.system, work.cluster, work.divided
    steps = DAYS * 24 // system.state.step_hours
    calls = steps * network_evaluations(system.sampler.kind, system.sampler.sampling_steps)
    networks = system.training.networks
    batches = split_members(range(MEMBERS), system.forecast.batch_size, cluster.teams, networks)
    own = sum(map(len, batches[:: cluster.teams]))
    weights = _NUMBER * costs.parameters
    received = own * calls * costs.evaluation_traffic
    return Estimate(
        name=f"forecast: {MEMBERS} members, {DAYS} days",
        operations=MEMBERS * calls * work.whole.evaluation_flops,
        computing=own * calls * costs.evaluation_flops / (cluster.gpu.float32_flops * work.speeds.forecast),
        waiting=received / cluster.within_team,
        memory=networks * weights + max(map(len, batches)) * (costs.forecast_bytes - weights) + _table_bytes(work),
        received=float(received),
    )
