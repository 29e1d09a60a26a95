"""A training starts from a new model fitted to its samples, or from that of a checkpoint."""

from dataclasses import replace

import pytest
import torch

from data_catalog.errors import ConfigurationError, MissingDataError
from forecast.anchors.linear import LinearAnchor
from forecast.parallel.ranks import ALONE, Ranks
from forecast.training.initial_model import continued_model, fit_residual, fresh_model, initial_model, prepare_model
from forecast.training.training_data import prepare_training_data


@pytest.fixture(scope="module")
def data(system, analysis):
    return prepare_training_data(system, analysis, lead_steps=1, ranks=ALONE, initial_checkpoint=None)


def test_the_seed_decides_the_initial_weights(system, data):
    one, other = (fresh_model(system, data.analysis).state_dict() for _ in range(2))
    assert all(torch.equal(value, other[name]) for name, value in one.items())
    reseeded = fresh_model(system.changed(training=system.training.changed(seed=1)), data.analysis)
    assert not torch.equal(reseeded.position, one["position"])


def test_linear_anchor_predicts_what_is_linear(system, data):
    linear = system.changed(anchor=system.anchor.changed(kind="linear", eofs=6))
    persistence = prepare_model(system, data.analysis, data.samples)
    fitted = prepare_model(linear, data.analysis, data.samples)
    assert isinstance(fitted.anchor, LinearAnchor)
    ratio = fitted.get_buffer("residual_std")[0] / persistence.get_buffer("residual_std")[0]
    assert float(ratio) < 0.6


def test_residual_is_unit_variance_and_undone(data, checkpoint):
    batch, model = data.samples.batch(torch.arange(len(data.samples))), checkpoint.model
    scalars, following = batch.scalars[:, 0], batch.following[:, 0]
    anchor = model.anchor(batch.past, scalars)
    residual = model.normalised_residual(following, anchor, scalars)
    area = checkpoint.grid.area_weights()
    torch.testing.assert_close((residual.square() * area).mean(dim=(0, 2, 3)), torch.ones(3), atol=1e-3, rtol=0)
    torch.testing.assert_close(model.apply_residual(anchor, residual, scalars), following, atol=1e-5, rtol=1e-5)


def test_a_length_of_a_step_without_samples_is_named(system, data):
    stepped = system.changed(training=system.training.changed(step_hours=(24, 48)))
    model = fresh_model(stepped, data.analysis)
    with pytest.raises(MissingDataError, match="expected samples in steps of 48 h, found none"):
        fit_residual(model, data.samples)


def test_a_deeper_network_starts_as_the_checkpoint_s(system, data, checkpoint):
    deeper = system.changed(network=system.network.changed(blocks=2))
    model = continued_model(deeper, data.analysis, checkpoint, data.samples)
    x, past, scalars = torch.randn(2, 3, 8, 16), torch.randn(2, 2, 3, 8, 16), torch.randn(2, 7)
    one, other = (
        each.eval().residual_denoiser(past, past[:, -1], scalars)(x, torch.tensor([0.3, 5.0])).detach()
        for each in (checkpoint.model, model)
    )
    torch.testing.assert_close(other, one, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("changes", [{"widths": (8, 8)}, {"blocks": 2}])
def test_a_network_that_cannot_take_the_weights_is_refused(system, data, checkpoint, changes):
    """The network is narrower, or shallower than that of the checkpoint."""
    system, initial = (
        (system.changed(network=system.network.changed(**changes)), checkpoint)
        if "widths" in changes
        else (system, deeper_checkpoint(system, data, checkpoint))
    )
    with pytest.raises(ConfigurationError, match="training from a checkpoint: "):
        continued_model(system, data.analysis, initial, data.samples)


def deeper_checkpoint(system, data, checkpoint):
    deeper = system.changed(network=system.network.changed(blocks=2))
    return replace(checkpoint, models=(fresh_model(deeper, data.analysis),))


def test_only_the_first_process_fits(data):
    first, other = (initial_model(data, Ranks(rank=rank, count=2)) for rank in (0, 1))
    assert not first.get_buffer("residual_std").eq(1).any()
    assert other.get_buffer("residual_std").eq(1).all()
