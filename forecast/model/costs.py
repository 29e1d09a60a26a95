"""The cost of training and running a system, computed without weights or data.

The network is built on the meta device and run on tensors that have shapes but no values; this yields the arithmetic
of every operation and the memory of every tensor.
"""

import weakref
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

# PyTorch documents fake tensors and dispatch modes only under these private names; without them, measuring a network
# would take the memory of that network.
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map_only
from torch.utils.flop_counter import FlopCounterMode

from forecast.model.step_model import StepModel
from forecast.networks.division import divide_networks
from forecast.parallel.bands import Bands, Traffic
from forecast.parallel.ranks import ALONE
from forecast.parallel.sharding import distribute
from forecast.sphere.grid import Grid
from forecast.states.conditions import SCALARS
from forecast.system.system import System

_BYTES_AT_REST = 16
"""Bytes per weight in training: the weight, its average and the two moments of AdamW, float32; without the gradient."""


@dataclass(frozen=True)
class Costs:
    """The cost of a system's network; a multiplication and an addition count as two operations.

    Attributes:
        parameters: Number of weights.
        evaluation_flops: Operations of one network evaluation for one member.
        training_flops: Operations of the forward and backward pass of one sample through one evaluation, including
            recomputed activations.
        first_sample_bytes: Peak memory of these passes, including gradients.
        sample_bytes: Additional memory of each further sample.
        forecast_bytes: Peak memory of one evaluation for one member, including weights.
        training_traffic: Bytes that a process receives from the others of its team in these passes.
        evaluation_traffic: The same, in one evaluation for one member.
    """

    parameters: int
    evaluation_flops: float
    training_flops: float
    first_sample_bytes: int
    sample_bytes: int
    forecast_bytes: int
    training_traffic: int = 0
    evaluation_traffic: int = 0

    def training_bytes(self, samples: int) -> int:
        """Return the memory of a process that holds all weights and computes `samples` samples together, bytes."""
        return _BYTES_AT_REST * self.parameters + self.first_sample_bytes + (samples - 1) * self.sample_bytes


def costs(system: System, grid: Grid, *, bands: int = 1) -> Costs:
    """Compute the cost of a system at its precision, including recomputed activations.

    Args:
        system: The system, whose network is built.
        grid: The grid of the states.
        bands: Number of bands of latitudes that each globe is divided into. The costs are those of a process with the
            second band, which has two neighbours; with the first of two bands.

    Raises:
        ConfigurationError: The network does not fit the grid, or has too few rows for the bands.
    """
    model = meta_model(system, grid)
    traffic = Traffic()
    divide_networks(model, Bands(int(bands > 2), bands, rehearsal=traffic))
    with FakeTensorMode(allow_non_fake_inputs=True):
        model.to_empty(device="cpu")
        parameters = list(model.parameters())
        count = sum(parameter.numel() for parameter in parameters)
        with torch.no_grad():
            evaluation = operations_and_memory(partial(_evaluate, model, system, grid, 1))
        in_evaluation = traffic.received
        options = system.training
        model.training_dtype = torch.bfloat16 if options.precision == "bfloat16" else None
        distribute(model, ALONE, recompute=options.recompute_activations)
        one = operations_and_memory(partial(_train, model, system, grid, 1))
        in_training = traffic.received - in_evaluation
        two = operations_and_memory(partial(_train, model, system, grid, 2))
    memory = (one[1], two[1] - one[1], 4 * count + evaluation[1])
    return Costs(count, evaluation[0], one[0], *memory, in_training, in_evaluation)


def meta_model(system: System, grid: Grid) -> StepModel:
    """Build the system's model with shapes but no values, for its default step only, as all steps cost the same.

    Raises:
        ConfigurationError: The network does not fit the grid.
    """
    of_one_step = system.changed(training=system.training.changed(step_hours=()))
    with torch.device("meta"):
        return StepModel(of_one_step, grid, torch.empty(len(system.state.static), *grid.shape))


def _evaluate(model: StepModel, system: System, grid: Grid, samples: int) -> Tensor:
    state = system.state
    past = torch.empty(samples, state.past_states, len(state.predictands), *grid.shape)
    scalars = torch.empty(samples, SCALARS)
    denoiser = model.residual_denoiser(past, model.anchor(past, scalars), scalars)
    return denoiser(torch.empty_like(past[:, -1]), torch.empty(samples))


def _train(model: StepModel, system: System, grid: Grid, samples: int) -> None:
    model.train().zero_grad()
    _evaluate(model, system, grid, samples).square().mean().backward()


def operations_and_memory(run: Callable[[], object]) -> tuple[float, int]:
    """Count the floating-point operations of a function, and its peak memory.

    Args:
        run: The function, which is called once; it may work on meta tensors.

    Returns:
        Number of operations, and the peak number of bytes of the tensors that it creates.
    """
    with _MemoryPeak() as memory, FlopCounterMode(display=False) as arithmetic:
        run()
    return float(arithmetic.get_total_flops()), memory.most


class _MemoryPeak(TorchDispatchMode):
    """Tracks the memory of tensors that are created while it is active."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.most = 0
        self._taken = 0
        self._known: dict[int, int] = {}

    def __torch_dispatch__(self, operation: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = operation(*args, **(kwargs or {}))
        tree_map_only(Tensor, self._note, result)
        return result

    def _note(self, tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        key = id(storage)  # a storage keeps its Python object while it lives
        if key not in self._known:
            self._known[key] = storage.nbytes()
            self._taken += storage.nbytes()
            self.most = max(self.most, self._taken)
            weakref.finalize(storage, self._forget, key)
        return tensor

    def _forget(self, key: int) -> None:
        self._taken -= self._known.pop(key)
