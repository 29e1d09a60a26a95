"""The plan of a training: which stages, how long, and from what they start."""

import pytest

from data_catalog.errors import ConfigurationError
from forecast.training.objectives import ConsistencyDistillation, Denoising, MeanError
from forecast.training.rollout_crps import RolloutCrps
from forecast.training.stages import mean_stages, plan_training, stages

PERIODS = {
    "training": {"start": "2000-11-01", "end": "2001-10-31"},
    "validation": {"start": "2001-11-01", "end": "2001-12-04"},
    "test": {"start": "2002-01-01", "end": "2002-02-04"},
}


@pytest.fixture
def with_mean(system):
    mean = {"iterations": 4, "batch_size": 4, "folds": 2}
    return system.changed(anchor={"kind": "mean", "cross_fitted": True, "mean": mean}, periods=PERIODS)


@pytest.fixture
def regional(tuned):
    year = {"start": "2001-01-01", "end": "2001-12-31"}
    finetuning = ({"iterations": 5, "lead_steps": 3},)
    pretraining = {"dataset": "globe", "period": year, "iterations": 4, "finetuning": finetuning}
    return tuned.changed(pretraining=pretraining)


@pytest.fixture
def distilled(system):
    return system.changed(finetuning=({"objective": "consistency", "iterations": 3, "levels": 6},))


def test_denoising_comes_first(tuned):
    denoising, tuning = stages(tuned)
    assert (denoising.name, denoising.iterations, denoising.batch_size) == ("denoising", 6, 4)
    assert isinstance(denoising.objective, Denoising)
    assert (tuning.name, tuning.iterations, tuning.batch_size) == ("fine-tuning over 2 lead steps", 3, 2)
    assert isinstance(tuning.objective, RolloutCrps)
    assert tuning.objective.amounts == (2,)


def test_a_training_from_a_checkpoint_leaves_out_denoising(tuned, system, checkpoint):
    assert [stage.name for stage in stages(tuned, initial_checkpoint=checkpoint)] == ["fine-tuning over 2 lead steps"]
    assert [stage.name for stage in stages(system, initial_checkpoint=checkpoint)] == ["denoising"]


def test_iterations_lengthen_denoising_and_shorten_the_rest(tuned):
    assert [stage.iterations for stage in stages(tuned, iterations=50)] == [50, 3]
    assert [stage.iterations for stage in stages(tuned, iterations=2)] == [2, 2]


def test_a_factor_on_the_noise_is_not_trained_with(tuned):
    inflated = tuned.changed(sampler=tuned.sampler.changed(noise_inflation=1.3))
    assert stages(inflated)[1].objective == stages(tuned)[1].objective


def test_a_distillation_has_the_initial_model_as_its_teacher(distilled, checkpoint):
    (stage,) = stages(distilled, initial_checkpoint=checkpoint)
    assert isinstance(stage.objective, ConsistencyDistillation)
    assert stage.objective.teacher is checkpoint.model
    with pytest.raises(ConfigurationError, match="expected an initial checkpoint, which objective 'consistency'"):
        plan_training(distilled)


def test_an_anchor_has_a_network_of_all_years_and_some_that_leave_years_out(system, with_mean):
    assert set(mean_stages(with_mean)) == {(), (2000,), (2001,)}
    assert set(mean_stages(with_mean, continues=True)) == {(2000,), (2001,)}
    plain = with_mean.changed(anchor=with_mean.anchor.changed(cross_fitted=False))
    assert [stage.name for stage in mean_stages(plain).values()] == ["mean network"]
    assert all(isinstance(stage.objective, MeanError) for stage in mean_stages(plain).values())
    assert not mean_stages(system)


def test_one_year_cannot_be_cross_fitted(with_mean):
    days = with_mean.periods.training.changed(start="2001-01-01")
    one_year = with_mean.changed(periods=with_mean.periods.changed(training=days))
    with pytest.raises(ConfigurationError, match=r"system tiny: anchor.cross_fitted: .* found \[2001\]"):
        mean_stages(one_year)


def test_a_plan_counts_all_stages(with_mean, regional, checkpoint):
    assert plan_training(with_mean).iterations == 3 * 4 + 6
    assert plan_training(with_mean, initial_checkpoint=checkpoint).iterations == 2 * 4 + 6
    assert plan_training(regional).iterations == 4 + 5 + 3
    assert plan_training(regional, initial_checkpoint=checkpoint).iterations == 3


def test_samples_are_as_long_as_the_longest_rollout(regional, checkpoint):
    assert plan_training(regional).lead_steps == 3
    assert plan_training(regional, initial_checkpoint=checkpoint).lead_steps == 2
