"""A script that two processes run together: it trains, resumes and forecasts like the single process of the test.

    torchrun --nproc-per-node 2 ranks_script.py DIRECTORY

DIRECTORY holds `analysis.nc`, `system.json`, an unfinished training of one process in `killed/`, and a finished one in
`whole/`.
"""

import json
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import torch
import xarray as xr

from forecast.checkpoints.files import load_checkpoint
from forecast.members.ensemble import MemberRequest, forecast_members
from forecast.parallel.ranks import Ranks, process_group
from forecast.system.system import System
from forecast.training.train import train

INIT = np.datetime64("2001-12-10", "ns")


def trained(directory: Path, analysis: xr.Dataset, content: dict, ranks: Ranks, *, stop_after: int, **options) -> list:
    losses = []
    with closing(train(System.model_validate(content), analysis, directory, ranks=ranks, **options)) as states:
        for state in states:
            losses.append(state.loss)
            if len(losses) == stop_after:
                break
    return losses


def main(directory: Path) -> None:
    torch.set_num_threads(1)
    content = json.loads((directory / "system.json").read_text())
    with xr.open_dataset(directory / "analysis.nc", engine="netcdf4") as opened:
        analysis = opened.load()
    with process_group("cpu") as ranks:
        assert ranks.count == 2
        losses = {}
        for name, changes in (
            ("ddp", {"parallel": "ddp", "micro_batch_size": 1}),
            ("fsdp", {"parallel": "fsdp", "micro_batch_size": 1, "recompute_activations": True}),
        ):
            changed = content | {"training": content["training"] | changes}
            trained(directory / f"{name}-once", analysis, changed, ranks, stop_after=1)
            losses[name] = trained(directory / name, analysis, changed, ranks, stop_after=1000)
        losses["killed"] = trained(directory / "killed", analysis, changed, ranks, stop_after=1000, resume=True)
        checkpoint = load_checkpoint(directory / "whole")
        arguments = (checkpoint, checkpoint.system, analysis, MemberRequest(INIT, range(5), 3))
        made = list(forecast_members(*arguments, batch_size=4, state_directory=directory / "states", ranks=ranks))
        ranks.wait()
        if ranks.is_first:
            fields = {
                f"{name}/{part.members}/{part.lead_index}": values
                for part in made
                for name, values in part.fields.items()
            }
            np.savez(directory / "members.npz", **fields)
            (directory / "losses.json").write_text(json.dumps(losses))
        else:
            assert not made


if __name__ == "__main__":
    main(Path(sys.argv[1]))
