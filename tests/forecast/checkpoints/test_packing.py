"""Weights round-trip through a checkpoint, to the precision of their storage form."""

import pytest
import torch

from forecast.checkpoints.packing import BLOCK, pack, unpack


@pytest.fixture
def weights():
    generator = torch.Generator().manual_seed(0)
    return {
        "network.entry.weight": torch.randn(5, 7, 3, 3, generator=generator),
        "network.entry.bias": torch.randn(5, generator=generator),
        "network.zero.weight": torch.zeros(3, 50),
        "anchor.matrix": torch.randn(9, 9, generator=generator),
    }


def test_bytes_take_half_of_half_precision(weights):
    def size(form):
        return sum(value.nbytes for name, value in pack(weights, form).items() if "entry.weight" in name)

    assert size("int8") <= (0.5 + 2.1 / BLOCK) * size("float16") + 4


@pytest.mark.parametrize(("form", "tolerance"), [("float16", 1e-3), ("int8", 0.01)])
def test_weights_round_trip(weights, form, tolerance):
    again = unpack(pack(weights, form))
    assert list(again) == list(weights)
    assert {value.dtype for value in again.values()} == {torch.float32}
    for name, value in weights.items():
        assert torch.linalg.vector_norm(again[name] - value) <= tolerance * torch.linalg.vector_norm(value), name
    assert torch.equal(again["anchor.matrix"], weights["anchor.matrix"])


def test_each_value_is_within_half_a_step_of_its_block(weights):
    weight = weights["network.entry.weight"]
    again = unpack(pack(weights, "int8"))["network.entry.weight"]
    for before, after in zip(weight.flatten().split(BLOCK), again.flatten().split(BLOCK), strict=True):
        assert (after - before).abs().max() <= 0.5001 * before.abs().max() / 127


def test_packing_unpacked_weights_changes_nothing(weights):
    once = pack(weights, "int8")
    twice = pack(unpack(once), "int8")
    assert all(torch.equal(once[name], twice[name]) for name in once if once[name].dtype == torch.int8)


def test_bytes_without_scales_are_refused(weights):
    stored = pack(weights, "int8")
    del stored["network.entry.weight.scale"]
    with pytest.raises(ValueError, match=r"network\.entry\.weight: expected 5 scales, found none"):
        unpack(stored)
