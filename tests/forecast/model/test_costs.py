"""Computed costs agree with those of a real run."""

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from forecast.model.costs import costs, meta_model, operations_and_memory
from forecast.model.step_model import StepModel
from forecast.sphere.grid import Grid


def grid_of_size(latitudes, longitudes):
    edge = 90.0 / latitudes
    return Grid(np.linspace(-90 + edge, 90 - edge, latitudes), np.arange(longitudes) * 360.0 / longitudes)


@pytest.fixture(scope="module")
def grid():
    return grid_of_size(16, 32)


@pytest.fixture(scope="module")
def found(system, grid):
    return costs(system, grid)


def test_flops_equal_those_of_a_real_run(system, grid, found):
    model = StepModel(system, grid, torch.zeros(1, *grid.shape))
    assert found.parameters == sum(parameter.numel() for parameter in model.parameters())
    past = torch.zeros(1, 2, 3, *grid.shape)
    with FlopCounterMode(display=False) as counted:
        denoiser = model.residual_denoiser(past, model.anchor(past, torch.zeros(1, 7)), torch.zeros(1, 7))
        denoiser(past[:, -1], torch.ones(1)).sum().backward()
    assert found.training_flops == counted.get_total_flops()
    assert found.evaluation_flops == pytest.approx(found.training_flops / 3, rel=0.1)


def test_four_times_the_points_cost_four_times_as_much(system, found):
    larger = costs(system, grid_of_size(32, 64))
    assert larger.evaluation_flops == pytest.approx(4 * found.evaluation_flops, rel=0.05)
    assert larger.sample_bytes == pytest.approx(4 * found.sample_bytes, rel=0.1)


@pytest.mark.parametrize(
    ("training", "memory"), [({"precision": "bfloat16"}, 0.75), ({"recompute_activations": True}, 0.9)]
)
def test_precision_and_recomputation_save_memory(system, grid, found, training, memory):
    saving = costs(system.changed(training=system.training.changed(**training)), grid)
    assert saving.sample_bytes < memory * found.sample_bytes
    assert saving.evaluation_flops == found.evaluation_flops
    arithmetic = saving.training_flops / found.training_flops
    assert 1.03 < arithmetic < 1.34 if "recompute_activations" in training else arithmetic == 1


def test_bands_share_the_arithmetic_and_exchange_rows(system, grid, found):
    halves = costs(system, grid, bands=2)
    assert halves.parameters == found.parameters
    # All but the embedding of the noise level, which each process computes.
    assert halves.evaluation_flops == pytest.approx(found.evaluation_flops / 2, rel=0.01)
    assert halves.sample_bytes < 0.8 * found.sample_bytes
    assert (found.evaluation_traffic, found.training_traffic) == (0, 0)
    rows = 4 * 16 * (8 * 5 + 16 * 4)  # a row for each convolution of hidden maps, half as long at the coarser level
    output = 4 * 3 * 8 * 32  # the other half of the result
    assert rows < halves.evaluation_traffic - output < 4 * rows
    assert 2 * halves.evaluation_traffic < halves.training_traffic < 8 * halves.evaluation_traffic


def test_memory_at_rest_is_weights_average_and_moments(found):
    expected = 16 * found.parameters + found.first_sample_bytes
    assert found.training_bytes(1) == expected
    assert found.training_bytes(3) == expected + 2 * found.sample_bytes
    assert found.first_sample_bytes > 4 * found.parameters  # the gradients are among them


def test_the_peak_counts_tensors_that_exist_together():
    def run():
        kept = torch.zeros(1000)
        for _ in range(5):
            kept = kept + 1.0  # old and new exist together, no more than two
        return kept.view(10, 100)  # no memory of its own

    assert operations_and_memory(run) == (0.0, 2 * 4000)


def test_a_model_of_any_size_takes_no_memory(system):
    wide = system.changed(network=system.network.changed(widths=(4096, 8192)))
    model = meta_model(wide, grid_of_size(64, 128))
    assert all(tensor.is_meta for tensor in model.state_dict().values())
    assert sum(parameter.numel() for parameter in model.parameters()) > 2e9
