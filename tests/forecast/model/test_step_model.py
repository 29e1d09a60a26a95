"""One lead step, with every kind of network."""

import numpy as np
import pytest
import torch

from data_catalog.errors import ConfigurationError
from forecast.checkpoints.files import load_checkpoint, save_checkpoint
from forecast.members.ensemble import MemberRequest, forecast_members
from forecast.model.step_model import StepModel
from forecast.sphere.grid import Grid
from forecast.states.standardiser import grid_of, static_tensor
from forecast.training.train import train

TRANSFORMER = {"kind": "dit", "patch": 2, "width": 16, "depth": 2, "heads": 2, "window": (2, 4), "position_features": 2}


def test_a_transformer_is_trained_and_opened_again(system, analysis, tmp_path):
    attending = system.changed(network=TRANSFORMER)
    for _ in train(attending, analysis, tmp_path):
        pass
    model = load_checkpoint(tmp_path).model
    past = torch.zeros(2, 2, 3, 8, 16)
    denoised = model.residual_denoiser(past, model.anchor(past, torch.zeros(2, 7)), torch.zeros(2, 7))(
        torch.randn(2, 3, 8, 16), torch.ones(2)
    )
    assert denoised.shape == (2, 3, 8, 16)
    assert denoised.isfinite().all()


def test_a_network_that_does_not_fit_the_grid_is_named(system, analysis):
    wide = system.changed(network=TRANSFORMER | {"window": (2, 5)})
    with pytest.raises(
        ConfigurationError, match=r"system tiny: network\.window: expected a window that divides 8 patches"
    ):
        StepModel(wide, grid_of(analysis), static_tensor(analysis, ("orography",)))


@pytest.mark.parametrize("kind", ["isotropic", "residual"])
def test_isotropic_noise_is_used_in_training_and_forecast(system, analysis, tmp_path, kind):
    shaped = system.changed(diffusion={"noise": kind})
    for _ in train(shaped, analysis, tmp_path):
        pass
    opened = load_checkpoint(tmp_path)
    assert ("noise.variances" in opened.model.state_dict()) == (kind == "residual")
    members = forecast_members(
        opened, shaped, analysis, MemberRequest(np.datetime64("2002-01-10"), range(2), 2), batch_size=2
    )
    assert all(np.isfinite(values).all() for made in members for values in made.fields.values())


def test_the_noise_is_part_of_the_identity(system, analysis, checkpoint, tmp_path):
    description = {"grid": checkpoint.grid, "standardiser": checkpoint.standardiser, "training": checkpoint.training}
    weights = checkpoint.model.state_dict()
    identities = {
        save_checkpoint(
            tmp_path / kind, system=system.changed(diffusion={"noise": kind}), weights=[weights], **description
        )
        for kind in ("white", "isotropic")
    }
    assert len(identities) == 2


def test_white_noise_on_a_region_only(system):
    region = Grid(np.linspace(30, 70, 8), np.linspace(-70, 10, 16))
    with pytest.raises(ConfigurationError, match=r"system tiny: diffusion.noise: expected 'white' on a region"):
        StepModel(system.changed(diffusion={"noise": "isotropic"}), region, torch.zeros(1, 8, 16))
