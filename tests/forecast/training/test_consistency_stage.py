"""The many evaluations of a checkpoint are distilled into one, in the same training loop."""

import numpy as np
import pytest
import torch

from forecast.checkpoints.files import load_checkpoint
from forecast.model.advance import advance
from forecast.training.initial_model import continued_model
from forecast.training.objectives import ConsistencyDistillation
from forecast.training.random_numbers import RandomNumbers
from forecast.training.samples import in_period, make_samples
from forecast.training.stages import stages
from forecast.training.train import train


@pytest.fixture(scope="module")
def distilled(system):
    return system.changed(
        finetuning=({"objective": "consistency", "iterations": 3, "batch_size": 4, "levels": 6},),
        sampler=system.sampler.changed(kind="euler", sampling_steps=1, sigma_max=20.0, sigma_min=0.1),
    )


def test_it_trains_and_resumes_bit_for_bit(distilled, analysis, checkpoint, tmp_path):
    often = distilled.changed(training=distilled.training.changed(checkpoint_minutes=1e-9))
    losses = [state.loss for state in train(often, analysis, tmp_path / "whole", initial_checkpoint=checkpoint)]
    assert len(losses) == 3
    assert np.isfinite(losses).all()
    killed = train(often, analysis, tmp_path / "killed", initial_checkpoint=checkpoint)
    next(killed)
    killed.close()
    for _ in train(often, analysis, tmp_path / "killed", initial_checkpoint=checkpoint, resume=True):
        pass
    whole, resumed = (load_checkpoint(tmp_path / name) for name in ("whole", "killed"))
    assert whole.model_id == resumed.model_id != checkpoint.model_id


def test_one_evaluation_gains_the_spread_that_the_denoiser_lacks(distilled, analysis, checkpoint):
    (stage,) = stages(distilled, initial_checkpoint=checkpoint)
    assert isinstance(stage.objective, ConsistencyDistillation)
    training = in_period(analysis, distilled.periods.training)
    samples = make_samples(training, checkpoint.standardiser, distilled)
    model = continued_model(distilled, training, checkpoint, samples, {})
    weights = checkpoint.grid.area_weights().expand(3, -1, -1)
    batch = samples.batch(torch.arange(0, 320, 20))

    def spread():
        generator = torch.Generator().manual_seed(1)

        def noise(draw):
            return torch.randn(16, 3, 8, 16, generator=generator)

        with torch.no_grad():
            states = [advance(model, distilled.sampler, batch.past, batch.scalars[:, 0], noise) for _ in range(6)]
        return float((torch.stack(states) / model.get_buffer("residual_std")).std(dim=0).mean())

    before = spread()
    optimiser = torch.optim.Adam(model.parameters(), lr=3e-3)
    for iteration in range(60):
        random_numbers = RandomNumbers(0, 0, iteration, range(16), 16)
        optimiser.zero_grad()
        stage.objective(model.train(), batch, weights, random_numbers).mean().backward()
        optimiser.step()
    assert before < 0.2
    assert spread() > 2 * before
