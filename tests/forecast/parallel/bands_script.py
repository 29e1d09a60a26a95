"""A script that four processes run together: in bands of latitudes, they compute what the test computes whole.

    torchrun --nproc-per-node 4 bands_script.py DIRECTORY

DIRECTORY holds `cases.pt`, networks with their inputs, and `system.json`, `analysis.nc` and a finished training in
`whole/`. What a process computed lies in `found-RANK.pt`.
"""

import json
import sys
from functools import partial
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
import xarray as xr

from forecast.checkpoints.files import load_checkpoint
from forecast.members.ensemble import MemberRequest, forecast_members
from forecast.model.costs import operations_and_memory
from forecast.networks.division import divide_networks
from forecast.networks.from_settings import build_network
from forecast.networks.interface import NetworkInterface
from forecast.parallel.bands import Bands
from forecast.parallel.ranks import process_group
from forecast.sphere.grid import Grid
from forecast.system.network import UNetSettings
from forecast.system.system import System
from forecast.training.train import train

INIT = np.datetime64("2001-12-10", "ns")


def built(case, bands):
    """The network of a case, divided."""
    grid = Grid(case["latitude"].numpy(), case["longitude"].numpy())
    interface = NetworkInterface(grid=grid, polar_sign=torch.tensor([1.0, -1.0, 1.0]), outputs=2, scalars=1)
    network = build_network(interface, UNetSettings(**case["settings"]))
    generator = torch.Generator().manual_seed(0)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.2, generator=generator)
    divide_networks(network, bands)
    return network


def passes(network, case):
    """Two evaluations in a row, as in a rollout, and their backward pass: the output and the gradients."""
    x = case["x"].clone().requires_grad_()
    label, scalars = torch.zeros(len(x)), torch.ones(len(x), 1)
    first = network(x, label, scalars)
    again = network(torch.cat([first, x[:, 2:]], dim=1), label, scalars)
    (case["weight"] * (again.square() + first)).mean().backward()
    gradients = {name: parameter.grad for name, parameter in network.named_parameters()}
    return again.detach(), x.grad, gradients


def memory(network, case):
    """Peak bytes of a training step's tensors."""
    return operations_and_memory(partial(passes, network, case))[1]


def whole_way(directory, ranks):
    """A training with DDP and one with FSDP2, and a forecast."""
    content = json.loads((directory / "system.json").read_text())
    with xr.open_dataset(directory / "analysis.nc", engine="netcdf4") as opened:
        analysis = opened.load()
    losses = {}
    for parallel in ("ddp", "fsdp"):
        options = content["training"] | {"parallel": parallel, "recompute_activations": parallel == "fsdp"}
        system = System.model_validate(content | {"training": options})
        losses[parallel] = [state.loss for state in train(system, analysis, directory / parallel, ranks=ranks)]
    checkpoint = load_checkpoint(directory / "whole")
    arguments = (checkpoint, checkpoint.system, analysis, MemberRequest(INIT, range(5), 3))
    made = list(forecast_members(*arguments, batch_size=2, state_directory=directory / "states", ranks=ranks))
    return {
        "losses": losses,
        "members": {
            (member, part.lead_index, name): torch.from_numpy(values[row])
            for part in made
            for name, values in part.fields.items()
            for row, member in enumerate(part.members)
        },
    }


def main(directory: Path) -> None:
    torch.set_num_threads(1)
    found = {}
    with process_group("cpu", bands=2) as ranks:
        for bands in (ranks.bands, Bands(ranks.rank, 4, dist.group.WORLD)):
            for name, case in torch.load(directory / "cases.pt").items():
                network = built(case, bands)
                output, of_inputs, gradients = passes(network, case)
                mean = {key: ranks.gather(value[None]).mean(dim=0) for key, value in gradients.items()}  # as DDP does
                network.zero_grad()
                used = memory(network, case)
                found[name, bands.count] = {"output": output, "inputs": of_inputs, "weights": mean, "bytes": used}
        found |= whole_way(directory, ranks)
    torch.save(found, directory / f"found-{ranks.rank}.pt")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
