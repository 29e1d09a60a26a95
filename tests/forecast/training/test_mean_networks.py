"""Mean networks are trained first, each without some years, and become the anchor."""

import numpy as np
import pytest
import torch

from data_catalog.errors import ConfigurationError
from forecast.anchors.network import MeanAnchor
from forecast.checkpoints.files import load_checkpoint
from forecast.members.ensemble import MemberRequest, forecast_members
from forecast.system.system import System
from forecast.training.directory import MEANS
from forecast.training.samples import in_period, make_samples
from forecast.training.train import train

PERIODS = {
    "training": {"start": "2000-11-01", "end": "2001-10-31"},
    "validation": {"start": "2001-11-01", "end": "2001-12-04"},
    "test": {"start": "2002-01-01", "end": "2002-02-04"},
}
NETWORK = {"kind": "unet", "patch": 2, "widths": [8], "blocks": 1, "position_features": 1}


def with_mean(system: System, *, iterations=4, cross_fitted=True, **training) -> System:
    mean = {"network": NETWORK, "iterations": iterations, "batch_size": 4, "learning_rate": 3e-3, "folds": 2}
    anchor = {"kind": "mean", "cross_fitted": cross_fitted, "mean": mean}
    return system.changed(anchor=anchor, periods=PERIODS, training=system.training.changed(**training))


@pytest.fixture(scope="module")
def two_years(analysis):
    """The same weather, starting two months before the year."""
    return analysis.assign_coords(time=analysis["time"] - np.timedelta64(61, "D"))


def test_a_trained_mean_is_the_anchor_and_travels_with_the_checkpoint(system, two_years, tmp_path):
    trained = with_mean(system)
    progress = list(train(trained, two_years, tmp_path))
    assert [each.iteration for each in progress] == list(range(1, 19))
    assert {each.iterations for each in progress} == {18}
    opened = load_checkpoint(tmp_path)
    mean = load_checkpoint(tmp_path / MEANS / "all")
    assert isinstance(opened.model.anchor, MeanAnchor)
    for name, value in mean.model.state_dict().items():
        torch.testing.assert_close(opened.model.anchor.model.state_dict()[name], value, rtol=0, atol=0)
    assert load_checkpoint(tmp_path / MEANS / "2000").training.years_left_out == (2000,)
    members = forecast_members(
        opened, trained, two_years, MemberRequest(np.datetime64("2001-12-01"), range(2), 2), batch_size=2
    )
    assert all(np.isfinite(values).all() for made in members for values in made.fields.values())


def test_a_mean_network_beats_persistence(system, two_years, tmp_path):
    learnt = with_mean(system, iterations=150, cross_fitted=False)
    for _ in train(learnt, two_years, tmp_path):
        pass
    model = load_checkpoint(tmp_path / MEANS / "all").model
    checkpoint = load_checkpoint(tmp_path)
    validation = make_samples(in_period(two_years, learnt.periods.validation), checkpoint.standardiser, learnt)
    batch = validation.batch(torch.arange(len(validation)))
    scalars = batch.scalars[:, 0]
    residual = model.normalised_residual(batch.following[:, 0], model.anchor(batch.past, scalars), scalars)
    left = residual - model.expected_residual(batch.past, scalars)
    assert left.square().mean() < 0.8 * residual.square().mean()


def test_a_killed_training_of_mean_networks_resumes(system, two_years, tmp_path):
    often = with_mean(system, checkpoint_minutes=1e-9)
    for _ in train(often, two_years, tmp_path / "whole"):
        pass
    killed = train(often, two_years, tmp_path / "killed")
    for _ in range(6):  # in the second network
        next(killed)
    killed.close()
    with pytest.raises(ConfigurationError, match=r"2000, found one; resume it"):
        next(train(often, two_years, tmp_path / "killed"))
    rest = list(train(often, two_years, tmp_path / "killed", resume=True))
    assert rest[0].iteration == 7
    assert load_checkpoint(tmp_path / "killed").model_id == load_checkpoint(tmp_path / "whole").model_id


def test_the_anchor_stays_as_it_is_while_the_denoiser_learns(system, two_years, tmp_path):
    for _ in train(with_mean(system, cross_fitted=False), two_years, tmp_path):
        pass
    model = load_checkpoint(tmp_path).model.train()
    assert model.network.training
    assert not model.anchor.model.network.training
    assert not any(parameter.requires_grad for parameter in model.anchor.parameters())
