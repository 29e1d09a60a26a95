"""A region's network is pretrained on windows of a global dataset, then trained on the region."""

import numpy as np
import pytest
import torch

from data_catalog.errors import ConfigurationError, MissingDataError
from forecast.checkpoints.files import load_checkpoint
from forecast.training.directory import PRETRAINING
from forecast.training.samples import in_period
from forecast.training.stages import plan_training
from forecast.training.train import train

YEAR = {"start": "2001-01-01", "end": "2001-12-31"}
FOREIGN = {"dataset": "globe", "period": YEAR, "window_degrees": 180.0, "iterations": 3, "batch_size": 4}


@pytest.fixture
def regional(system):
    return system.changed(
        pretraining=FOREIGN,
        state=system.state.changed(static=()),
        anchor=system.anchor.changed(kind="linear", eofs=6),
        finetuning=({"iterations": 3, "batch_size": 2},),
        sampler=system.sampler.changed(sampling_steps=1),
        training=system.training.changed(checkpoint_minutes=1e-9),
    )


def test_the_region_starts_from_pretrained_weights(regional, region, globe, tmp_path):
    progress = list(train(regional, region, tmp_path, globe=globe))
    assert [state.iteration for state in progress] == list(range(1, 7))
    assert plan_training(regional).iterations == 6
    assert [state.stage for state in progress] == ["denoising"] * 3 + ["fine-tuning over 1 lead step"] * 3
    before, after = load_checkpoint(tmp_path / PRETRAINING), load_checkpoint(tmp_path)
    assert before.training.windows == 4
    learned, alone = (
        dict(before.model.named_parameters()),
        train(regional.changed(pretraining=None), region, tmp_path / "alone"),
    )
    for _ in alone:
        pass
    untaught = dict(load_checkpoint(tmp_path / "alone").model.named_parameters())

    def distance(weights):
        return sum(float((value - weights[name]).square().sum()) for name, value in after.model.named_parameters())

    assert distance(learned) < 0.5 * distance(untaught)
    own = in_period(region, regional.periods.training)
    np.testing.assert_allclose(
        after.standardiser.climatology_at(own["time"].values[:1])[0, 0].mean(), own["z500"].mean(), rtol=0.01
    )
    assert not torch.equal(before.model.get_buffer("residual_std"), after.model.get_buffer("residual_std"))


@pytest.mark.parametrize("iterations", [2, 3, 4])
def test_a_killed_pretraining_resumes_bit_for_bit(regional, region, globe, tmp_path, iterations):
    for _ in train(regional, region, tmp_path / "whole", globe=globe):
        pass
    killed = train(regional, region, tmp_path / "killed", globe=globe)
    for _ in range(iterations):
        next(killed)
    killed.close()
    rest = list(train(regional, region, tmp_path / "killed", globe=globe, resume=True))
    assert rest[0].iteration == iterations + 1
    assert load_checkpoint(tmp_path / "killed").model_id == load_checkpoint(tmp_path / "whole").model_id


def test_another_pretraining_is_not_resumed(regional, region, globe, tmp_path):
    killed = train(regional, region, tmp_path, globe=globe)
    next(killed)
    killed.close()
    with pytest.raises(ConfigurationError, match="resume it"):
        next(train(regional, region, tmp_path, globe=globe))
    faster = regional.training.changed(learning_rate=1e-2)
    for other in (regional.changed(pretraining=FOREIGN | {"mirrored": False}), regional.changed(training=faster)):
        with pytest.raises(ConfigurationError, match="found another"):
            next(train(other, region, tmp_path, globe=globe, resume=True))


def test_impossible_pretrainings_are_refused(regional, region, globe, analysis, tmp_path):
    with pytest.raises(ConfigurationError, match="expected an analysis of 'globe', found none"):
        next(train(regional, region, tmp_path))
    with pytest.raises(ConfigurationError, match="expected a region"):
        next(train(regional, globe, tmp_path, globe=globe))
    polar = region.assign_coords(latitude=region["latitude"] + 10)
    with pytest.raises(ConfigurationError, match=r"a globe with rows beyond 88\.75 degrees, found none"):
        next(train(regional, polar, tmp_path, globe=globe))
    late = FOREIGN | {"period": {"start": "2030-01-01", "end": "2030-12-31"}}
    with pytest.raises(MissingDataError, match="from 2030-01-01 to 2030-12-31"):
        next(train(regional.changed(pretraining=late), region, tmp_path, globe=globe))
    uneven = regional.changed(state=regional.state.changed(static=("orography",)))
    rough = analysis[[*region.data_vars, "orography"]].sel(latitude=region["latitude"], longitude=region["longitude"])
    with pytest.raises(ConfigurationError, match="expected no static channels"):
        next(train(uneven, rough, tmp_path, globe=globe))
