"""A training is the same on each device, is continued on another one, and its checkpoint opens anywhere."""

from contextlib import closing, contextmanager

import numpy as np
import pytest
import torch
import torch.distributed as dist
from safetensors.torch import load_file

from forecast.checkpoints.files import load_checkpoint
from forecast.members.ensemble import MemberRequest, forecast_members
from forecast.parallel.ranks import Ranks
from forecast.parallel.sharding import distribute, over_processes, repeated_blocks
from forecast.training import loop
from forecast.training.random_numbers import RandomNumbers
from forecast.training.samples import make_samples
from forecast.training.train import train

CPU = Ranks()
SAME_LOSS = 2e-6
"""Relative difference of the losses. Other micro-batches on a CPU change them by 6e-8, half precision by 5e-6."""
CLOSE = {"atol": 5e-4, "rtol": 1e-2}
"""Weights are stored in half precision, and the optimiser divides small gradients by their size."""


class NumbersOfTheHost(RandomNumbers):
    """The random numbers that a training on the CPU draws, on any device: a GPU's own generator makes others."""

    def __init__(self, *identity, device="cpu"):
        super().__init__(*identity)
        self._target = device

    def normal(self, *shape):
        return super().normal(*shape).to(self._target)

    def coins(self):
        return super().coins().to(self._target)

    def of_batch(self, draw):
        return super().of_batch(draw).to(self._target)


@pytest.fixture(autouse=True)
def _comparable(monkeypatch):
    """The same random numbers, and products in full float32, which a training on a GPU else has of fewer bits."""
    operations = (torch.backends.cudnn.conv, torch.backends.cuda.matmul)
    before = [operation.fp32_precision for operation in operations]
    for operation in operations:
        operation.fp32_precision = "ieee"
    monkeypatch.setattr(loop, "RandomNumbers", NumbersOfTheHost)
    yield
    for operation, precision in zip(operations, before, strict=True):
        operation.fp32_precision = precision


@pytest.fixture(scope="module")
def short(system):
    """Six iterations with a checkpoint in the middle."""
    return system.changed(training=system.training.changed(checkpoint_iterations=3))


def trained(directory, system, analysis, ranks, *, stop_after=None, resume=False, micro_batch_size=None):
    system = system.changed(training=system.training.changed(micro_batch_size=micro_batch_size))
    losses = []
    with closing(train(system, analysis, directory, ranks=ranks, resume=resume)) as progress:
        for state in progress:
            losses.append(state.loss)
            if len(losses) == stop_after:
                break
    return losses


def weights(directory):
    (path,) = directory.glob("model-*.safetensors")
    return load_file(path)


def assert_same_weights(made, expected):
    assert set(made) == set(expected)
    for name, value in expected.items():
        torch.testing.assert_close(
            made[name].float(), value.float(), **CLOSE, msg=lambda text, name=name: f"{name}: {text}"
        )


@pytest.fixture(scope="module")
def on_cpu(short, analysis, tmp_path_factory):
    """The losses and the checkpoint of a training on the CPU."""
    directory = tmp_path_factory.mktemp("training-cpu")
    return trained(directory, short, analysis, CPU), directory


@pytest.mark.parametrize("begins", [True, False], ids=["begins here", "ends here"])
def test_a_training_is_continued_on_another_device(short, analysis, place, on_cpu, tmp_path, begins):
    first, second = (place.ranks, CPU) if begins else (CPU, place.ranks)
    losses = trained(tmp_path, short, analysis, first, stop_after=3, micro_batch_size=2)
    losses += trained(tmp_path, short, analysis, second, resume=True, micro_batch_size=1)
    np.testing.assert_allclose(losses, on_cpu[0], rtol=SAME_LOSS)
    assert_same_weights(weights(tmp_path), weights(on_cpu[1]))


@contextmanager
def group_of_one(place):
    """A process group with one process: nccl on a GPU, gloo on the CPU."""
    device = torch.device("cuda", 0) if place.device == "cuda" else None
    backend = "gloo" if device is None else "nccl"
    dist.init_process_group(backend, store=dist.HashStore(), rank=0, world_size=1, device_id=device)
    try:
        yield
    finally:
        dist.destroy_process_group()


@pytest.mark.parametrize("parallel", ["ddp", "fsdp"])
def test_a_process_group_of_one_trains_the_same_weights(
    short, analysis, place, on_cpu, tmp_path, monkeypatch, parallel
):
    def distribute(module, ranks, *, idle_weights, **_):
        return over_processes(module, ranks, parallel=parallel, idle_weights=idle_weights)

    monkeypatch.setattr(loop, "distribute", distribute)
    with group_of_one(place):
        losses = trained(tmp_path, short, analysis, place.ranks)
    np.testing.assert_allclose(losses, on_cpu[0], rtol=SAME_LOSS)
    assert_same_weights(weights(tmp_path), weights(on_cpu[1]))


def test_half_precision_is_another_training(short, analysis, place, on_cpu, tmp_path, monkeypatch):
    """So that the tests above would notice it."""
    monkeypatch.setattr(loop, "_lower_precision", lambda *_: torch.bfloat16)
    losses = trained(tmp_path, short, analysis, place.ranks, stop_after=3)
    assert np.abs(np.divide(losses, on_cpu[0][:3]) - 1).max() > SAME_LOSS


def first_state(checkpoint, analysis, ranks, *, compiled):
    """Members after a step of a network with larger weights than a short training gives it."""
    (model,) = checkpoint.models
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.1 * torch.randn(weight.shape, generator=generator))
    distribute(model.to(ranks.device), CPU, compiled=compiled)
    request = MemberRequest(np.datetime64("2001-12-10", "ns"), [0, 1], 1)
    (made,) = forecast_members(checkpoint, checkpoint.system, analysis, request, batch_size=2, ranks=ranks)
    return {name: np.sqrt(values) if name == "tp24" else values for name, values in made.fields.items()}


@pytest.mark.filterwarnings("ignore")  # the compiler's own, such as its advice to lower the precision
def test_compiled_blocks_make_the_same_members(analysis, place, on_cpu, compiler):
    checkpoint = load_checkpoint(on_cpu[1])
    expected = first_state(load_checkpoint(on_cpu[1]), analysis, CPU, compiled=False)
    made = first_state(checkpoint, analysis, place.ranks, compiled=True)
    assert all(block._compiled_call_impl is not None for block in repeated_blocks(checkpoint.model))
    for name, std in zip(checkpoint.standardiser.channels, checkpoint.standardiser.std, strict=True):
        np.testing.assert_allclose(made[name], expected[name], atol=1e-4 * std, rtol=0)


def test_a_checkpoint_of_a_device_opens_on_the_cpu(short, analysis, place, tmp_path):
    trained(tmp_path, short, analysis, place.ranks, stop_after=3)
    for path in tmp_path.glob("*.safetensors"):
        assert all(tensor.device.type == "cpu" for tensor in load_file(path).values()), path
    checkpoint = load_checkpoint(tmp_path)
    assert {tensor.device.type for tensor in checkpoint.model.state_dict().values()} == {"cpu"}
    request = MemberRequest(np.datetime64("2001-12-10", "ns"), [0], 1)
    (made,) = forecast_members(checkpoint, checkpoint.system, analysis, request, batch_size=1)
    assert np.isfinite(made.fields["z500"]).all()


def test_batches_reach_a_device_as_they_were_read(short, analysis, place, on_cpu):
    """From pinned memory to a GPU."""
    standardiser = load_checkpoint(on_cpu[1]).standardiser
    choices = [torch.arange(4), torch.arange(4, 8)]
    kept = make_samples(analysis, standardiser, short)
    read = make_samples(analysis, standardiser, short, loader="archive", pin=place.device == "cuda")
    with closing(read.stream(choices, 1)) as stream:
        for chosen, batch in zip(choices, stream, strict=True):
            assert batch.past.is_pinned() == (place.device == "cuda")
            moved, expected = batch.to(place.device), kept.batch(chosen, 1)
            for name in ("past", "following", "scalars", "lower_bounds"):
                found = getattr(moved, name)
                assert found.device.type == place.device
                torch.testing.assert_close(found.cpu(), getattr(expected, name), rtol=0, atol=0)
