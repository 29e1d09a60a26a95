"""Two processes compute the same gradients, checkpoint and members as one."""

import json
import os
import socket
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from data_catalog.errors import ConfigurationError
from forecast.checkpoints.files import load_checkpoint
from forecast.members.ensemble import MemberRequest, forecast_members, split_members
from forecast.parallel.ranks import ALONE, Ranks, process_group
from forecast.training.train import train

SCRIPT = Path(__file__).with_name("ranks_script.py")
INIT = np.datetime64("2001-12-10", "ns")


def run_together(directory: Path) -> None:
    """Run two processes with the environment variables that torchrun would set."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shared = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "OMP_NUM_THREADS": "1"}
    shared["PYTHONPATH"] = os.pathsep.join([str(Path.cwd()), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-W", "error", str(SCRIPT), str(directory)]
    processes = [
        subprocess.Popen(
            command,
            env=os.environ | shared | {"RANK": str(rank), "LOCAL_RANK": str(rank)},
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    try:
        errors = [process.communicate(timeout=300)[1] for process in processes]
    finally:
        for process in processes:
            process.kill()
    assert [process.returncode for process in processes] == [0, 0], "\n".join(errors)


def trained_alone(directory, analysis, system, stop_after=1000):
    losses = []
    with closing(train(system, analysis, directory)) as states:
        for state in states:
            losses.append(state.loss)
            if len(losses) == stop_after:
                break
    return losses


@pytest.fixture(scope="module")
def tuned(system):
    return system.changed(
        finetuning=({"iterations": 2, "batch_size": 2, "lead_steps": 2},),
        sampler=system.sampler.changed(sampling_steps=1),
        # Adaptive noise levels and learned weights are shared by the processes; the first fits the noise spectrum.
        diffusion=system.diffusion.changed(adaptive=True, weight="learned", noise="residual"),
        training=system.training.changed(checkpoint_minutes=1e-9, iterations=3),
    )


@pytest.fixture(scope="module")
def together(tuned, analysis, tmp_path_factory):
    """A directory with the results of one process and of two."""
    directory = tmp_path_factory.mktemp("together")
    trained_alone(directory / "whole-once", analysis, tuned, stop_after=1)
    losses = trained_alone(directory / "whole", analysis, tuned)
    trained_alone(directory / "killed", analysis, tuned, stop_after=2)
    analysis.to_netcdf(directory / "analysis.nc", engine="netcdf4")
    (directory / "system.json").write_text(tuned.model_dump_json())
    run_together(directory)
    (directory / "losses-alone.json").write_text(json.dumps(losses))
    return directory


def state_of(directory):
    return load_file(directory / "training.safetensors")


def weights_of(directory):
    (path,) = directory.glob("model-*.safetensors")
    return load_file(path)


@pytest.mark.parametrize("parallel", ["ddp", "fsdp"])
def test_two_processes_give_the_gradients_of_one(together, parallel):
    """The optimiser's first moment is a tenth of the first gradient."""
    alone, shared = state_of(together / "whole-once"), state_of(together / f"{parallel}-once")
    assert set(alone) == set(shared)
    moments = [name for name in alone if name.startswith("optimiser.exp_avg.")]
    largest = max(float(alone[name].abs().max()) for name in moments)
    assert largest > 1e-3
    for name in moments:
        torch.testing.assert_close(shared[name], alone[name], atol=1e-5 * largest, rtol=1e-4)


@pytest.mark.parametrize("parallel", ["ddp", "fsdp"])
def test_two_processes_follow_the_training_of_one(together, parallel):
    alone = json.loads((together / "losses-alone.json").read_text())
    shared = json.loads((together / "losses.json").read_text())[parallel]
    assert len(alone) == 5
    np.testing.assert_allclose(shared, alone, rtol=1e-3)


@pytest.mark.parametrize("parallel", ["ddp", "fsdp"])
def test_the_checkpoint_does_not_depend_on_the_number_of_processes(together, parallel):
    alone, shared = weights_of(together / "whole"), weights_of(together / parallel)
    assert {name: (value.shape, value.dtype) for name, value in alone.items()} == {
        name: (value.shape, value.dtype) for name, value in shared.items()
    }
    for name, value in alone.items():
        torch.testing.assert_close(shared[name].float(), value.float(), atol=5e-4, rtol=1e-2)
    descriptions = [load_checkpoint(together / name) for name in ("whole", parallel)]
    assert len({one.system.model_dump_json(exclude={"training"}) for one in descriptions}) == 1
    assert not (together / parallel / "training.safetensors").exists()


def test_two_processes_resume_the_training_of_one(together):
    alone = json.loads((together / "losses-alone.json").read_text())
    shared = json.loads((together / "losses.json").read_text())["killed"]
    np.testing.assert_allclose(shared, alone[2:], rtol=1e-3)


def test_two_processes_make_the_members_of_one(together, analysis):
    checkpoint = load_checkpoint(together / "whole")
    arguments = (checkpoint, checkpoint.system, analysis, MemberRequest(INIT, range(5), 3))
    made = list(forecast_members(*arguments, batch_size=4))
    alone = {(m, part.lead_index): (part.fields, row) for part in made for row, m in enumerate(part.members)}
    assert len(alone) == 15
    seen = 0
    with np.load(together / "members.npz") as shared:
        for key, values in shared.items():
            name, members, lead_index = key.split("/")
            std = float(checkpoint.standardiser.std[checkpoint.standardiser.channels.index(name)])
            for row, member in enumerate(json.loads(members.replace("(", "[").replace(",)", ")").replace(")", "]"))):
                fields, at = alone[member, int(lead_index)]
                np.testing.assert_allclose(values[row], fields[name][at], atol=1e-4 * std, rtol=0)
                seen += 1
    assert seen == 15 * 3


def test_a_batch_that_does_not_divide_is_refused(system, analysis, tmp_path):
    with pytest.raises(ConfigurationError, match="expected a multiple of the 3 processes, found 4"):
        next(train(system, analysis, tmp_path, ranks=Ranks(0, 3)))


def test_every_process_gets_members():
    assert split_members(range(5), 2, 1) == [(0, 1), (2, 3), (4,)]
    assert split_members(range(50), 50, 4) == [tuple(range(first, min(first + 13, 50))) for first in (0, 13, 26, 39)]
    assert split_members((3,), 20, 2) == [(3,)]
    assert split_members((), 20, 2) == []


def test_a_single_process_sends_nothing():
    with process_group("cpu") as ranks:
        assert ranks == ALONE
        assert ranks.broadcast("value") == "value"
        torch.testing.assert_close(ranks.gather(torch.ones(2)), torch.ones(2))
        ranks.wait()


def test_shares_are_in_order_and_complete():
    samples = torch.arange(8)
    shares = [Ranks(rank, 4).share(samples) for rank in range(4)]
    torch.testing.assert_close(torch.cat(shares), samples)


def test_an_invalid_environment_is_refused(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "two")
    with (
        pytest.raises(ConfigurationError, match="environment variable WORLD_SIZE: expected a number, found 'two'"),
        process_group("cpu"),
    ):
        pass
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(ConfigurationError, match="expected cpu or cuda for several processes"), process_group("cuda:1"):
        pass
