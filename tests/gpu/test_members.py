"""Members are the same on each device, to a ten thousandth of a standard deviation, because their noise is."""

import gc
import logging
from contextlib import contextmanager

import pytest
import torch

from forecast.members import rollout
from tests.gpu.conftest import GPU, Place, difference

TOLERANCE = 1e-4
"""Of the contract about members."""
LEAD_STEPS = 10
MANY = 256
"""Members whose activations on a GPU are large beside the weights and the workspaces of its libraries."""
PRECISIONS = (
    torch.backends.cudnn.conv,
    torch.backends.cuda.matmul,
    torch.backends.mkldnn.conv,
    torch.backends.mkldnn.matmul,
)


@pytest.fixture
def precisions_restored():
    before = [operation.fp32_precision for operation in PRECISIONS]
    yield
    for operation, precision in zip(PRECISIONS, before, strict=True):
        operation.fp32_precision = precision


def test_a_device_makes_the_members_of_the_cpu(simulated, reference, place):
    assert difference(simulated.members(place), reference) < TOLERANCE


def test_a_model_that_was_on_a_device_makes_members_on_the_cpu(simulated, reference, place):
    used = simulated.members(Place("cpu"), lead_steps=1, change=lambda checkpoint: _moved(checkpoint, place.device))
    assert difference(used, reference) < TOLERANCE


def _moved(checkpoint, device):
    for model in checkpoint.models:
        model.to(device)


def test_half_precision_fails_the_tolerance(simulated, reference, place):
    def lower(checkpoint):
        for model in checkpoint.models:
            model.training_dtype = torch.bfloat16

    assert difference(simulated.members(place, lead_steps=1, change=lower), reference) > 10 * TOLERANCE


def test_a_precision_lowered_by_the_process_changes_no_member(simulated, reference, place, precisions_restored):
    for operation in PRECISIONS:
        operation.fp32_precision = "tf32"
    assert difference(simulated.members(place, lead_steps=1), reference) < TOLERANCE
    assert [operation.fp32_precision for operation in PRECISIONS] == ["tf32"] * 4


@pytest.mark.parametrize("place", [pytest.param(Place("cuda"), marks=GPU)])
def test_operands_of_ten_bits_fail_the_tolerance(simulated, reference, place, monkeypatch, precisions_restored):
    """TF32, which GPUs since 2020 use for convolutions unless told otherwise."""
    if torch.cuda.get_device_capability() < (8, 0):
        pytest.skip("this GPU has no TF32")

    @contextmanager
    def ten_bits():
        for operation in PRECISIONS[:2]:
            operation.fp32_precision = "tf32"
        yield

    monkeypatch.setattr(rollout, "full_float32", ten_bits)
    assert difference(simulated.members(place, lead_steps=1), reference) > TOLERANCE


@pytest.mark.parametrize("first", [True, False], ids=["starts here", "ends here"])
def test_a_forecast_is_continued_on_another_device(simulated, reference, place, tmp_path, first):
    """Killed after the first member and two lead steps of the second."""
    other = Place("cpu", place.batch_size)
    places = (place, other) if first else (other, place)
    begun = simulated.members(places[0], states=tmp_path, stop_after=5)
    assert len(begun) == 5
    whole = simulated.members(places[1], states=tmp_path)
    assert len(whole) == 6
    assert difference(begun, whole) == 0
    assert difference(whole, reference) < TOLERANCE


def test_an_ensemble_grows_on_another_device(simulated, reference, place):
    grown = simulated.members(Place(place.device, batch_size=2), members=(3, 2), lead_steps=2)
    assert set(grown) == {(member, lead) for member in (2, 3) for lead in (1, 2)}
    assert difference(grown, reference) < TOLERANCE


def test_rounding_grows_slowly_in_ten_days(simulated, place):
    """One network evaluation a day."""
    expected = simulated.members(Place("cpu", batch_size=2), members=(0, 2), lead_steps=LEAD_STEPS)
    made = simulated.members(place, members=[0], lead_steps=LEAD_STEPS)
    growth = [difference(made, expected, [lead]) for lead in range(1, LEAD_STEPS + 1)]
    assert len(growth) == LEAD_STEPS
    assert growth[0] < TOLERANCE
    assert max(growth) < 10 * TOLERANCE, growth


@contextmanager
def little_memory(simulated, device, monkeypatch):
    """A GPU's memory limited to less than a batch needs; on the CPU a step that fails as there above two members."""
    if device == "cuda":
        with limited_gpu(simulated):
            yield
        return
    real = rollout.advance

    def advance(model, sampler, past, *others):
        if len(past) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return real(model, sampler, past, *others)

    with monkeypatch.context() as patch:
        patch.setattr(rollout, "advance", advance)
        yield


@contextmanager
def limited_gpu(simulated):
    torch.cuda.reset_peak_memory_stats()
    simulated.members(Place("cuda", MANY), members=range(0, 2 * MANY, 2), lead_steps=1)
    gc.collect()
    torch.cuda.empty_cache()
    kept, peak = torch.cuda.memory_allocated(), torch.cuda.max_memory_allocated()
    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction((kept + 0.4 * (peak - kept)) / total)
    try:
        yield
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
        torch.cuda.empty_cache()


def test_short_memory_halves_a_batch_and_makes_the_same_members(simulated, reference, place, monkeypatch, caplog):
    size = MANY if place.device == "cuda" else 4
    members = range(0, 2 * size, 2)
    with little_memory(simulated, place.device, monkeypatch), caplog.at_level(logging.WARNING, "plumecast"):
        made = simulated.members(Place(place.device, size), members=members, lead_steps=1)
    assert [text for text in caplog.messages if f"short for {size} members together" in text]
    assert {member for member, _ in made} == set(members)
    assert difference({key: made[key] for key in made if key[0] in (0, 2)}, reference) < TOLERANCE
