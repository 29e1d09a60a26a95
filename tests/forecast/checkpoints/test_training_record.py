"""Training records are typed, and records of every release can be read."""

import json
from importlib.resources import files
from pathlib import Path

import pytest
from pydantic import ValidationError

from forecast.checkpoints.training_record import NoiseLevels, StageRecord, TrainingRecord, combined_record

STAGE = {"iterations": 800, "loss": 0.42, "validation_loss": 0.43}
OF_THE_FIRST_RELEASE = {
    "dataset": "tiny",
    "first_analysis": "2001-01-01T00:00",
    "last_analysis": "2001-12-31T00:00",
    "analyses": 365,
    "validation_held_out": True,
    "torch": "2.9.0",
}


def record(**changes: object) -> TrainingRecord:
    stages = {"denoising": StageRecord(**STAGE)}
    return TrainingRecord.from_content(OF_THE_FIRST_RELEASE).changed(**{"stages": stages} | changes)


def test_a_record_round_trips():
    levels = NoiseLevels(sigma=(0.1, 1.0), squared_error={"z500": (0.01, 0.4)}, drawn=(0.1, 0.2, 0.3, 0.4, 0.5))
    whole = record(
        stages={"denoising": StageRecord(**STAGE, noise_levels=levels), "fine-tuning": StageRecord(**STAGE)},
        initial_checkpoint="a" * 64,
        years_left_out=(2001,),
        windows=4,
        finished=False,
    )
    assert TrainingRecord.from_content(json.loads(json.dumps(whole.content()))) == whole


def test_the_content_has_the_keys_that_earlier_releases_read():
    content = record().content()
    assert content == {
        "record_version": 1,
        **OF_THE_FIRST_RELEASE,
        "began_with": None,
        "pretraining": None,
        "stages": {"denoising": STAGE},
    }
    unfinished = record(finished=False, initial_checkpoint="a" * 64, years_left_out=()).content()
    assert unfinished["finished"] is False
    assert unfinished["began_with"] == "a" * 64
    assert unfinished["years_left_out"] == []


def test_the_record_of_the_first_release_had_one_stage_that_was_not_named():
    found = TrainingRecord.from_content(OF_THE_FIRST_RELEASE | STAGE)
    assert found.stages == {"denoising": StageRecord(**STAGE)}
    assert (found.initial_checkpoint, found.pretraining, found.finished) == (None, None, True)


@pytest.mark.parametrize("name", ["speedy-5p6", "ncep-natlantic", "erai-sweurope", "ncep-northamerica"])
def test_records_of_shipped_checkpoints_lose_nothing(name):
    path = Path(str(files("forecast") / "pretrained" / name / "model.json"))
    content = json.loads(path.read_text())["training"]
    written = TrainingRecord.from_content(content).content()
    if "record_version" not in content:  # of earlier releases: keys that came later have the values that they meant
        del written["record_version"]
        for stage in (written["pretraining"] or {"finetuning": []})["finetuning"]:
            del stage["amounts_weight"]
    assert written == content


def test_unknown_keys_are_ignored_and_wrong_values_are_named():
    assert TrainingRecord.from_content(OF_THE_FIRST_RELEASE | {"weather": "fair"}) == TrainingRecord.from_content(
        OF_THE_FIRST_RELEASE
    )
    with pytest.raises(ValidationError, match="analyses"):
        TrainingRecord.from_content(OF_THE_FIRST_RELEASE | {"analyses": "many"})


def test_shared_values_are_stored_once_and_others_per_network():
    one, other = record(), record(stages={"denoising": StageRecord(**STAGE | {"loss": 0.5})}, torch="2.10.0")
    both = combined_record([one, other], ["a", "b"], [0, 1])
    assert (both.dataset, both.analyses, both.torch, both.stages) == ("tiny", 365, None, {})
    assert [network.model_id for network in both.networks] == ["a", "b"]
    assert [network.seed for network in both.networks] == [0, 1]
    assert [network.torch for network in both.networks] == ["2.9.0", "2.10.0"]
    assert [network.stages["denoising"].loss for network in both.networks] == [0.42, 0.5]
    assert "analyses" not in both.content()["networks"][0]
    assert TrainingRecord.from_content(both.content()) == both


def test_networks_are_finished_when_all_are():
    assert combined_record([record(), record()], ["a", "b"], [0, 1]).finished
    assert not combined_record([record(), record(finished=False)], ["a", "b"], [0, 1]).finished
