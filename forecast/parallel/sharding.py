"""One model on several processes: all weights in each of them (DDP), or a part of each weight in each (FSDP2).

Weights keep the names that they have in a single process, so a checkpoint does not depend on how its model was trained.
"""

import inspect
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from itertools import chain
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor
from torch.nn.parallel import DistributedDataParallel
from torch.utils.checkpoint import checkpoint

from forecast.parallel.ranks import Ranks

Parallel = Literal["ddp", "fsdp"]
_DDP_OPTIONS = inspect.signature(DistributedDataParallel).parameters
# All processes compute the same buffers, so they need no synchronisation. PyTorch 2.13 renamed the option.
_NO_BUFFER_SYNC: dict[str, Any] = {
    "forward_sync_buffers" if "forward_sync_buffers" in _DDP_OPTIONS else "broadcast_buffers": False
}


def distribute(
    module: nn.Module,
    ranks: Ranks,
    *,
    parallel: Parallel = "ddp",
    recompute: bool = False,
    compiled: bool = False,
    idle_weights: bool = False,
) -> nn.Module:
    """Prepare a module whose forward pass is a loss for training on all processes.

    All processes get the weights of the first one. Gradients are averaged over the processes.

    Args:
        module: On the device of this process; changed in place.
        ranks: The processes.
        parallel: `ddp` keeps all weights in each process, `fsdp` a part of each weight.
        recompute: Whether to keep only the input of each repeated block, and to compute its activations again in the
            backward pass (Chen et al. 2016, arXiv:1604.06174).
        compiled: Whether to compile each repeated block with torch.compile.
        idle_weights: Whether some losses do not depend on some weights.

    Returns:
        The module to call in place of `module`. Optimise the parameters of `module` itself.
    """
    for block in repeated_blocks(module):
        if recompute:
            # As an attribute of the instance, so that hooks and the names of weights stay as they are.
            vars(block)["forward"] = partial(checkpoint, block.forward, use_reentrant=False)
        if compiled:
            block.compile()
    if ranks.count == 1:
        return module
    return over_processes(module, ranks, parallel=parallel, idle_weights=idle_weights)


def over_processes(module: nn.Module, ranks: Ranks, *, parallel: Parallel, idle_weights: bool = False) -> nn.Module:
    """Divide a module over the processes of the process group that this process has joined, which may be alone in it.

    Args:
        module: On the device of this process; changed in place.
        ranks: The processes.
        parallel: `ddp` keeps all weights in each process, `fsdp` a part of each weight.
        idle_weights: Whether some losses do not depend on some weights.

    Returns:
        The module to call in place of `module`.
    """
    ranks.copy_from_first(tensor.detach() for tensor in chain(module.parameters(), module.buffers()))
    if parallel == "ddp":
        return DistributedDataParallel(
            module,
            gradient_as_bucket_view=True,
            init_sync=False,
            find_unused_parameters=idle_weights,
            **_NO_BUFFER_SYNC,
        )
    return _sharded(module, ranks)


def repeated_blocks(module: nn.Module) -> list[nn.Module]:
    """Return the elements of all module lists in a module, the blocks that a network repeats.

    They are the units that are recomputed, compiled and sharded: large enough to justify a collective operation each,
    and small compared with the whole network.

    Args:
        module: Any module.
    """
    lists = [part for part in module.modules() if isinstance(part, nn.ModuleList)]
    return [block for one in lists for block in one if not isinstance(block, nn.ModuleList)]


def _sharded(module: nn.Module, ranks: Ranks) -> nn.Module:
    mesh = init_device_mesh(torch.device(ranks.device).type, (ranks.count,))
    for parameter in module.parameters():
        parameter.data = parameter.data.contiguous()  # sharding ignores memory formats
    for block in repeated_blocks(module):
        fully_shard(block, mesh=mesh)
    # Reshard after each forward pass: after a validation there is no backward pass that would do it.
    fully_shard(module, mesh=mesh, reshard_after_forward=True)
    return module


@contextmanager
def accumulating(module: nn.Module, *, more: bool) -> Iterator[None]:
    """Run a backward pass that adds to the gradients of the ones before it.

    With DDP, gradients are averaged over the processes in the last pass of an iteration only. With FSDP2 they are
    averaged in each, as no process can hold all of them.

    Args:
        module: The module that `distribute` returned.
        more: Whether another backward pass of the same iteration follows.
    """
    if more and isinstance(module, DistributedDataParallel):
        with module.no_sync():
            yield
    else:
        yield


def full_tensor(tensor: Tensor) -> Tensor:
    """Return the whole of a tensor of which this process may hold only a part. Every process must call it.

    Args:
        tensor: A tensor, or a part of a sharded one.
    """
    gathered: Tensor = tensor.full_tensor() if isinstance(tensor, DTensor) else tensor
    return gathered.detach()


def full_tensors_on_cpu(tensors: Mapping[str, Tensor], ranks: Ranks) -> dict[str, Tensor]:
    """Return whole tensors in the first process, and nothing in the others. Every process must call it.

    Args:
        tensors: Tensors by name, in the same order in all processes.
        ranks: The processes.
    """
    result = {}
    for name, tensor in tensors.items():
        gathered = full_tensor(tensor)
        if ranks.is_first:
            result[name] = gathered.contiguous().cpu()
    return result


@torch.no_grad()
def overwrite(tensor: Tensor, values: Tensor) -> None:
    """Overwrite a tensor of which this process may hold only a part. Every process must call it.

    Args:
        tensor: A tensor, or a part of a sharded one.
        values: The values of the whole tensor, the same in all processes.
    """
    values = values.to(tensor.device, tensor.dtype)
    if isinstance(tensor, DTensor):
        values = distribute_tensor(values.contiguous(), tensor.device_mesh, tensor.placements)
    tensor.copy_(values)
