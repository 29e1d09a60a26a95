"""Models are registered, run beside the live one, are promoted and rolled back."""

from pathlib import Path

import pytest

from data_catalog.errors import ConfigurationError, InvalidDataError, MissingDataError
from forecast.checkpoints.files import load_checkpoint
from forecast.verification.realism.gates import Figure, Gate
from forecast.verification.realism.report import write_realism
from pipelines.cli.app import main
from pipelines.operations.promotion import promote, register_model, roll_back, set_shadow
from pipelines.training.train import TrainingRequest, train_system
from pipelines.workspace.checkpoints import find_checkpoint
from pipelines.workspace.home import Home
from pipelines.workspace.model_registry import ModelRegistry, short
from pipelines.workspace.systems import find_system
from tests.forecast.verification.realism.test_report import report_of
from tests.pipelines.scoring.test_scorecard import fill


@pytest.fixture(scope="module")
def retrained(tiny: Path, weather_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another model of the system."""
    system = find_system(str(tiny))
    fewer = system.changed(training=system.training.changed(iterations=2))
    return train_system(TrainingRequest(fewer, weather_file, tmp_path_factory.mktemp("retrained") / "tiny"))


@pytest.fixture
def candidate(place: Home, tiny: Path, retrained: Path) -> str:
    return register_model(place, find_system(str(tiny)), retrained, "two iterations").model_id


def _judge(place: Home, model: str, value: float) -> None:
    """Keep the record of one gate beside a registered model: passed by a value of 1."""
    gate = Gate("spectrum", "power", [Figure({"channel": "msl"}, value, 0.9, 1.1)])
    registry = ModelRegistry.read(place.models("tiny"))
    write_realism(report_of(gate, model_id=model), registry.directory(registry.find(model)) / "realism.json")


def test_a_model_that_fails_a_physics_gate_is_refused_unless_the_live_one_fails_it_too(
    place: Home, candidate: str
) -> None:
    before = _live(place)
    _score(place, before, 1.0)
    _score(place, candidate, 0.9)
    _judge(place, candidate, 1.5)
    with pytest.raises(ConfigurationError, match="physics gate spectrum: 1 of 1 figures beyond their limits"):
        promote(place, "tiny", candidate)
    _judge(place, before, 2.0)
    assert promote(place, "tiny", candidate).evidence["physics_gates"] == (
        "0 passed, 1 failed, 0 not measured (spectrum failed)"
    )


def _score(place: Home, model: str, factor: float) -> None:
    fill(place.score_archive("tiny"), "plumecast", {"model": model, "members": "20"}, factor, range(30))


def _live(place: Home) -> str:
    live = ModelRegistry.read(place.models("tiny")).live
    assert live is not None
    return live.model_id


def test_what_is_in_use_becomes_the_first_live_model(place: Home, tiny: Path, candidate: str) -> None:
    used = load_checkpoint(place.checkpoint("tiny")).model_id
    assert _live(place) == used != candidate
    found = find_checkpoint(place, find_system(str(tiny)))
    assert found == place.models("tiny").parent / short(used)
    assert (found / "baselines.nc").read_bytes() == (place.checkpoint("tiny") / "baselines.nc").read_bytes()


def test_a_model_is_promoted_that_is_better_and_rolled_back(place: Home, tiny: Path, candidate: str) -> None:
    before = _live(place)
    _score(place, before, 1.0)
    _score(place, candidate, 0.9)
    made = promote(place, "tiny", candidate[:4])
    assert (made.state, made.evidence["cycles"], made.evidence["significantly_worse"]) == ("live", 30, 0)
    assert load_checkpoint(find_checkpoint(place, find_system(str(tiny)))).model_id == candidate == _live(place)
    with pytest.raises(ConfigurationError, match="expected one that is not live, found the live one"):
        promote(place, "tiny", candidate)
    assert roll_back(place, "tiny", "too smooth").model_id == before == _live(place)


def test_a_worse_model_is_refused_unless_somebody_answers_for_it(place: Home, candidate: str) -> None:
    before = _live(place)
    _score(place, before, 1.0)
    _score(place, candidate, 1.2)
    with pytest.raises(ConfigurationError, match=r"expected one that is not worse than .* over 30 cycles, found: z500"):
        promote(place, "tiny", candidate)
    assert _live(place) == before
    assert promote(place, "tiny", candidate, without_proof="a trial").reason == "without proof: a trial"
    assert _live(place) == candidate


def test_a_model_without_scores_is_refused(place: Home, candidate: str) -> None:
    with pytest.raises(MissingDataError, match="expected scores of some cycles, found none"):
        promote(place, "tiny", candidate)


def test_what_cannot_be_registered(place: Home, tiny: Path, retrained: Path, candidate: str, tmp_path: Path) -> None:
    system = find_system(str(tiny))
    with pytest.raises(ConfigurationError, match=f"expected a new model, found {short(candidate)}"):
        register_model(place, system, retrained)
    with pytest.raises(ConfigurationError, match=r"expected model\.json"):
        register_model(place, system, tmp_path)
    (tmp_path / "model.json").write_text("{}")
    with pytest.raises((InvalidDataError, ConfigurationError)):
        register_model(place, system, tmp_path)
    assert len(ModelRegistry.read(place.models("tiny")).models) == 2


def test_a_live_model_whose_files_are_gone_is_not_replaced_in_silence(place: Home, tiny: Path, candidate: str) -> None:
    directory = find_checkpoint(place, find_system(str(tiny)))
    (directory / "model.json").unlink()
    with pytest.raises(ConfigurationError, match=rf"expected model.json in {directory}, found none"):
        find_checkpoint(place, find_system(str(tiny)))


def test_shadows(place: Home, candidate: str) -> None:
    set_shadow(place, "tiny", candidate, shadow=True)
    assert [one.model_id for one in ModelRegistry.read(place.models("tiny")).shadows] == [candidate]
    set_shadow(place, "tiny", candidate, shadow=False)
    assert ModelRegistry.read(place.models("tiny")).shadows == []
    with pytest.raises(ConfigurationError, match="expected one that is not live"):
        set_shadow(place, "tiny", _live(place), shadow=True)


def test_the_commands(place: Home, tiny: Path, retrained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", str(tiny)]) == 0
    assert "No model of" in capsys.readouterr().out
    assert main(["register", str(tiny), str(retrained), "--reason", "new"]) == 0
    model = capsys.readouterr().out.split()[0]
    assert main(["shadow", str(tiny), model]) == 0
    assert main(["promote", str(tiny), model]) == 3
    assert main(["promote", str(tiny), model, "--without-proof", "a trial"]) == 0
    assert main(["rollback", str(tiny), "--reason", "done"]) == 0
    assert main(["rollback", str(tiny)]) == 0
    capsys.readouterr()
    assert main(["models", str(tiny)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines] == ["live", "retired"]
    assert lines[0].split()[0] == model
    assert main(["models", str(tiny), "--json"]) == 0
    assert capsys.readouterr().out.count('"state": "live"') == 4
