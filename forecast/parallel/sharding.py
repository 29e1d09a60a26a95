"""One model over several processes: whole in each of them (DDP) or cut up among them (FSDP2).

Weights keep the names that they have in a lone process, so a checkpoint is the same file however its model was trained.
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
_KNOWN = inspect.signature(DistributedDataParallel).parameters
# What is kept in buffers stays equal by itself. The option that says so has a new name from torch 2.13 on.
_EQUAL_BUFFERS: dict[str, Any] = {
    "forward_sync_buffers" if "forward_sync_buffers" in _KNOWN else "broadcast_buffers": False
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

    The weights of the first process become those of all. Gradients come out averaged over the processes.

    Args:
        module: On the device of this process; changed in place.
        ranks: The processes.
        parallel: `ddp` keeps all weights in each process, `fsdp` a part of each weight.
        recompute: Keep only the inputs of each repeated block and compute the rest again in the backward pass (Chen et
            al. 2016, arXiv:1604.06174).
        compiled: Compile each repeated block.
        idle_weights: Whether some weights take no part in some losses.

    Returns:
        What to call in place of `module`; optimise the parameters of `module` itself.
    """
    for block in repeated_blocks(module):
        if recompute:
            # The instance's own attribute: hooks and names of the module stay as they are.
            vars(block)["forward"] = partial(checkpoint, block.forward, use_reentrant=False)
        if compiled:
            block.compile()
    if ranks.count == 1:
        return module
    ranks.copy_from_first(tensor.detach() for tensor in chain(module.parameters(), module.buffers()))
    if parallel == "ddp":
        return DistributedDataParallel(
            module,
            gradient_as_bucket_view=True,
            init_sync=False,
            find_unused_parameters=idle_weights,
            **_EQUAL_BUFFERS,
        )
    return _sharded(module, ranks)


def repeated_blocks(module: nn.Module) -> list[nn.Module]:
    """The modules that a network is a list of: worth a message of their own, and small beside the whole."""
    lists = [part for part in module.modules() if isinstance(part, nn.ModuleList)]
    return [block for one in lists for block in one if not isinstance(block, nn.ModuleList)]


def _sharded(module: nn.Module, ranks: Ranks) -> nn.Module:
    mesh = init_device_mesh(torch.device(ranks.device).type, (ranks.count,))
    for parameter in module.parameters():
        parameter.data = parameter.data.contiguous()  # parts are cut from plainly ordered weights
    for block in repeated_blocks(module):
        fully_shard(block, mesh=mesh)
    # Cut up again after each forward pass, as a validation is followed by no backward pass that would do it.
    fully_shard(module, mesh=mesh, reshard_after_forward=True)
    return module


@contextmanager
def accumulating(module: nn.Module, *, more: bool) -> Iterator[None]:
    """A backward pass whose gradients add to those before it.

    Those of whole weights are averaged over the processes with the last pass only; those of parts with each, as no
    process has room for all of them.

    Args:
        module: As `distribute` returned it.
        more: Whether another backward pass of the same iteration follows.
    """
    if more and isinstance(module, DistributedDataParallel):
        with module.no_sync():
            yield
    else:
        yield


def whole(tensor: Tensor) -> Tensor:
    """All of a tensor, of which this process may hold a part. Every process must call it."""
    gathered: Tensor = tensor.full_tensor() if isinstance(tensor, DTensor) else tensor
    return gathered.detach()


def whole_on_cpu(tensors: Mapping[str, Tensor], ranks: Ranks) -> dict[str, Tensor]:
    """All of some tensors, in the first process; nothing in the others. Every process must call it."""
    result = {}
    for name, tensor in tensors.items():
        gathered = whole(tensor)
        if ranks.is_first:
            result[name] = gathered.contiguous().cpu()
    return result


@torch.no_grad()
def fill(tensor: Tensor, values: Tensor) -> None:
    """Overwrite a tensor, of which this process may hold a part. Every process must call it, with the same values."""
    values = values.to(tensor.device, tensor.dtype)
    if isinstance(tensor, DTensor):
        values = distribute_tensor(values.contiguous(), tensor.device_mesh, tensor.placements)
    tensor.copy_(values)
