"""Processes that each compute a band of latitudes give the maps, gradients, trainings and members of one."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from data_catalog.errors import ConfigurationError
from forecast.checkpoints.files import load_checkpoint
from forecast.members.ensemble import MemberRequest, forecast_members
from forecast.members.portions import Portions
from forecast.parallel.bands import WHOLE, Bands, Traffic
from forecast.parallel.ranks import Ranks, process_group
from forecast.training.train import train
from pipelines.terminal.processes import free_port
from tests.forecast.parallel import bands_script

GRIDS = {
    # 7 rows of the coarsest map: bands of 2, 2, 2 and 1. Points on the poles: extended across them, as at 0.25 degrees.
    "poles-on-points": (np.linspace(-90, 90, 25), np.arange(16) * 22.5, {"patch": 2, "widths": (16, 32)}),
    "poles-between-points": (np.linspace(-84.375, 84.375, 16), np.arange(8) * 45.0, {"widths": (8, 8, 8)}),
    "pole-rows": (np.linspace(-90, 90, 9), np.arange(8) * 45.0, {"widths": (8,)}),
    "region": (np.linspace(30, 70, 17), np.linspace(-70, 10, 9), {"widths": (8, 16)}),
}
BANDS = (2, 4)


def case_of(latitude, longitude, settings):
    generator = torch.Generator().manual_seed(0)
    shape = (latitude.size, longitude.size)
    return {
        "latitude": torch.from_numpy(latitude),
        "longitude": torch.from_numpy(longitude),
        "settings": settings | {"blocks": 1},
        "x": torch.randn(2, 3, *shape, generator=generator),
        "weight": torch.randn(2, 2, *shape, generator=generator),
    }


CASES = {name: case_of(*parts) for name, parts in GRIDS.items()}


def run_together(directory, processes=4):
    """Run processes with the environment variables that torchrun would set; return what each of them found."""
    path = os.pathsep.join([str(Path.cwd()), os.environ.get("PYTHONPATH", "")])
    shared = {"WORLD_SIZE": str(processes), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port())}
    shared |= {"OMP_NUM_THREADS": "1", "PYTHONPATH": path}
    started = [
        subprocess.Popen(
            [sys.executable, "-W", "error", bands_script.__file__, str(directory)],
            env=os.environ | shared | {"RANK": str(rank), "LOCAL_RANK": str(rank)},
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(processes)
    ]
    try:
        errors = [process.communicate(timeout=300)[1] for process in started]
    finally:
        for process in started:
            process.kill()
    assert [process.returncode for process in started] == [0] * processes, "\n".join(errors)
    return [torch.load(directory / f"found-{rank}.pt") for rank in range(processes)]


@pytest.fixture(scope="module")
def tuned(system):
    return system.changed(
        finetuning=({"iterations": 2, "batch_size": 2, "lead_steps": 2, "spectral_weight": 0.1},),
        sampler=system.sampler.changed(sampling_steps=1),
        diffusion=system.diffusion.changed(weight="learned", noise="isotropic"),
        training=system.training.changed(checkpoint_minutes=1e-9, iterations=2, mirrored=True),
    )


@pytest.fixture(scope="module")
def together(tuned, analysis, tmp_path_factory):
    """What each of four processes found, the losses of one, and their directory."""
    directory = tmp_path_factory.mktemp("bands")
    torch.save(CASES, directory / "cases.pt")
    losses = [state.loss for state in train(tuned, analysis, directory / "whole")]
    analysis.to_netcdf(directory / "analysis.nc", engine="netcdf4")
    (directory / "system.json").write_text(tuned.model_dump_json())
    return run_together(directory), losses, directory


@pytest.fixture(scope="module")
def alone():
    """What one process computes."""
    return {name: bands_script.passes(bands_script.built(case, WHOLE), case) for name, case in CASES.items()}


@pytest.mark.parametrize("bands", BANDS)
@pytest.mark.parametrize("name", GRIDS)
def test_bands_give_the_maps_and_gradients_of_the_whole(together, alone, name, bands):
    output, of_inputs, gradients = alone[name]
    assert float(of_inputs.abs().max()) > 0
    for found in together[0]:
        part = found[name, bands]
        torch.testing.assert_close(part["output"], output, atol=2e-5 * float(output.abs().max()), rtol=1e-5)
        largest = float(of_inputs.abs().max())
        torch.testing.assert_close(part["inputs"], of_inputs, atol=2e-5 * largest, rtol=1e-4)
        assert set(part["weights"]) == set(gradients)
        for key, gradient in gradients.items():
            largest = float(gradient.abs().max())
            torch.testing.assert_close(part["weights"][key], gradient, atol=5e-5 * largest + 1e-9, rtol=1e-4)


@pytest.mark.parametrize("name", ["poles-on-points", "poles-between-points"])
def test_more_bands_take_less_memory(together, name):
    whole = bands_script.memory(bands_script.built(CASES[name], WHOLE), CASES[name])
    halves, quarters = (max(found[name, bands]["bytes"] for found in together[0]) for bands in BANDS)
    assert quarters < 0.8 * halves < 0.8 * 0.8 * whole


@pytest.mark.parametrize("parallel", ["ddp", "fsdp"])
def test_teams_train_the_model_of_one_process(together, parallel):
    found, losses, directory = together
    assert len(losses) == 4
    np.testing.assert_allclose(found[0]["losses"][parallel], losses, rtol=1e-3)
    paths = [next((directory / name).glob("model-*.safetensors")) for name in ("whole", parallel)]
    alone, shared = map(load_file, paths)
    assert set(alone) == set(shared)
    for name, value in alone.items():
        torch.testing.assert_close(shared[name].float(), value.float(), atol=5e-4, rtol=1e-2)


def test_teams_make_the_members_of_one_process(together, analysis):
    found, _, directory = together
    checkpoint = load_checkpoint(directory / "whole")
    arguments = (checkpoint, checkpoint.system, analysis, MemberRequest(bands_script.INIT, range(5), 3))
    seen = 0
    for part in forecast_members(*arguments, batch_size=2):
        for name, values in part.fields.items():
            std = float(checkpoint.standardiser.std[checkpoint.standardiser.channels.index(name)])
            for row, member in enumerate(part.members):
                fields = found[0]["members"][member, part.lead_index, name]
                np.testing.assert_allclose(fields, values[row], atol=1e-4 * std, rtol=0)
                seen += 1
    assert seen == 5 * 3 * 3
    assert [len(each["members"]) for each in found] == [seen, 0, 0, 0]


def test_a_rehearsal_takes_the_memory_of_the_first_band(together):
    case = CASES["poles-on-points"]
    rehearsed = bands_script.memory(bands_script.built(case, Bands(0, 4, rehearsal=Traffic())), case)
    assert rehearsed == together[0][0]["poles-on-points", 4]["bytes"]


def test_processes_form_whole_teams(monkeypatch):
    with (
        pytest.raises(ConfigurationError, match="bands: expected a divisor of the 1 processes, found 2"),
        process_group("cpu", bands=2),
    ):
        pass
    monkeypatch.setenv("WORLD_SIZE", "6")
    with (
        pytest.raises(ConfigurationError, match="bands: expected a divisor of the 6 processes, found 4"),
        process_group("cpu", bands=4),
    ):
        pass


def test_a_team_shares_its_samples(system, analysis, tmp_path):
    teams = [Ranks(rank, 8, bands=Bands(rank % 4, 4)) for rank in range(8)]
    assert [each.team for each in teams] == [0] * 4 + [1] * 4
    assert [each.share(torch.arange(4)).tolist() for each in teams] == [[0, 1]] * 4 + [[2, 3]] * 4
    with pytest.raises(ConfigurationError, match="expected a multiple of the 3 teams of processes, found 4"):
        next(train(system, analysis, tmp_path, ranks=Ranks(0, 6, bands=Bands(0, 2))))


def test_a_team_that_lacks_memory_cannot_halve_its_members():
    def short(_):
        raise torch.OutOfMemoryError

    with pytest.raises(ConfigurationError, match="room to compute 4 members in bands of latitudes, found too little"):
        Portions("cuda:0", divisible=False).compute(4, short)
