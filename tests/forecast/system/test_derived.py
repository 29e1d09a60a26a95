"""Derived systems differ from the original only as they should."""

from forecast.system.derived import mean_system, pretraining_system

PRETRAINING = {
    "dataset": "globe",
    "period": {"start": "2001-01-01", "end": "2001-12-31"},
    "iterations": 40,
    "batch_size": 8,
    "finetuning": ({"iterations": 30},),
}


def test_the_mean_network_denoises_from_persistence(system):
    mean = {"network": {"widths": (4,)}, "iterations": 7, "batch_size": 3, "learning_rate": 0.01}
    staged = system.changed(
        anchor={"kind": "mean", "mean": mean}, diffusion={"output": "v"}, finetuning=({},), pretraining=PRETRAINING
    )
    derived = mean_system(staged)
    assert derived.anchor.kind == "persistence"
    assert derived.network.widths == (4,)
    training = derived.training
    assert (training.iterations, training.batch_size, training.learning_rate) == (7, 3, 0.01)
    assert derived.diffusion.output == "edm"
    assert not derived.finetuning
    assert derived.pretraining is None
    assert (derived.state, derived.periods) == (system.state, system.periods)


def test_a_pretraining_has_lengths_of_its_own(system):
    staged = system.changed(pretraining=PRETRAINING, training=system.training.changed(networks=3, seed=5))
    derived = pretraining_system(staged)
    assert (derived.training.iterations, derived.training.batch_size, derived.training.networks) == (40, 8, 1)
    assert derived.training.seed == 5
    assert [stage.iterations for stage in derived.finetuning] == [30]
    assert derived.pretraining is None


def test_the_stages_of_a_pretraining_can_be_limited(system):
    derived = pretraining_system(system.changed(pretraining=PRETRAINING), iterations=35)
    assert (derived.training.iterations, derived.finetuning[0].iterations) == (35, 30)
