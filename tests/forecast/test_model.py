"""One lead step, whatever network makes it."""

import pytest
import torch

from data_catalog.errors import ConfigurationError
from forecast.batches import grid_of, static_tensor
from forecast.checkpoints import load_checkpoint
from forecast.model import StepModel
from forecast.system import System
from forecast.training import train

TRANSFORMER = {"kind": "dit", "patch": 2, "width": 16, "depth": 2, "heads": 2, "window": (2, 4), "position_features": 2}


def changed(system: System, **sections: object) -> System:
    return System.model_validate(system.model_dump() | sections)


def test_a_transformer_is_trained_and_opened_again(system, analysis, tmp_path):
    attending = changed(system, network=TRANSFORMER)
    for _ in train(attending, analysis, tmp_path):
        pass
    model = load_checkpoint(tmp_path).model
    past = torch.zeros(2, 2, 3, 8, 16)
    denoised = model.residual_denoiser(past, model.anchor(past), torch.zeros(2, 7))(
        torch.randn(2, 3, 8, 16), torch.ones(2)
    )
    assert denoised.shape == (2, 3, 8, 16)
    assert denoised.isfinite().all()


def test_a_network_that_does_not_fit_the_grid_is_named(system, analysis):
    wide = changed(system, network=TRANSFORMER | {"window": (2, 5)})
    with pytest.raises(ConfigurationError, match="system tiny: network: expected a window that divides 8 patches"):
        StepModel(wide, grid_of(analysis), static_tensor(analysis, ("orography",)))
