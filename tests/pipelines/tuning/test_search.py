"""A search goes on after a kill, gives up what falls behind, and keeps to validation days."""

import json
import logging
import shutil
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from data_catalog.errors import ConfigurationError, DivergedError, MissingDataError
from data_catalog.storage.locks import LOCK, lock
from forecast.system.reading import parse_system
from pipelines.cli.app import main
from pipelines.tuning import search as tuning
from pipelines.tuning import study as study_module
from pipelines.tuning.search import tune
from pipelines.tuning.search_space import as_toml, changed_system, chosen_space, to_paste
from pipelines.tuning.study import Search, describe_search, request_search
from pipelines.workspace.home import Home
from pipelines.workspace.systems import find_system

pytestmark = pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")


def request(place: Home, tiny: Path, weather_file: Path, *, sampler_only: bool, only: tuple[str, ...]) -> Search:
    return request_search(
        place, str(tiny), out=place.root / "search", trials=3, iterations=4, sampler_only=sampler_only, only=only,
        checkpoint=None, analysis=weather_file, starts=2, members=2, lead="1d", device="cpu",
    )  # fmt: skip


@pytest.fixture
def of_sampler(place: Home, tiny: Path, weather_file: Path) -> Search:
    only = ("sampler.sampling_steps", "sampler.noise_inflation")
    return request(place, tiny, weather_file, sampler_only=True, only=only)


def test_a_killed_search_goes_on(of_sampler: Search, monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls = tuning._value, []

    def dying(*given: object) -> float:
        calls.append(given)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(tuning, "_value", dying)
    with pytest.raises(KeyboardInterrupt):
        tune(of_sampler)
    assert not (of_sampler.out / "trials.json").exists()
    content = tune(of_sampler)
    assert len(content["trials"]) == 3
    assert content["trials"][0]["trial"] == 0
    assert content == json.loads((of_sampler.out / "trials.json").read_text())
    done = len(calls)
    assert tune(of_sampler) == content
    assert len(calls) == done
    assert content["value"] == min(row["value"] for row in content["trials"] if row["state"] == "complete")
    assert "sampling_steps = " in describe_search(content)


def test_a_trial_that_diverges_is_given_up(
    of_sampler: Search, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    real, calls = tuning._value, []

    def diverging(*given: object) -> float:
        calls.append(given)
        if len(calls) == 1:
            raise DivergedError("forecast of msl: expected finite values, found NaN")
        return real(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(tuning, "_value", diverging)
    with caplog.at_level(logging.WARNING, logger="plumecast"):
        content = tune(of_sampler)
    assert [row["state"] for row in content["trials"]].count("pruned") >= 1
    assert content["trials"][0]["state"] == "pruned"
    assert "Trial 0 is given up: forecast of msl" in caplog.text
    assert describe_search(content).splitlines()[-6].split()[1:3] == ["pruned", "inf"]


def test_a_search_all_of_whose_trials_are_given_up_says_so(of_sampler: Search, monkeypatch: pytest.MonkeyPatch) -> None:
    def diverging(*_given: object) -> float:
        raise DivergedError("forecast of msl: expected finite values, found NaN")

    monkeypatch.setattr(tuning, "_value", diverging)
    with pytest.raises(ConfigurationError, match="expected a trial that ends, found 3, all given up"):
        tune(of_sampler)
    content = json.loads((of_sampler.out / "trials.json").read_text())
    assert content["best"] is None
    assert len(content["trials"]) == 3


def test_one_search_at_a_time(of_sampler: Search) -> None:
    with (
        lock(of_sampler.out / LOCK, "this"),
        pytest.raises(MissingDataError, match="expected no other process at work on it"),
    ):
        tune(of_sampler)


def test_what_was_under_way_is_made_again(of_sampler: Search) -> None:
    study = study_module.open_study(of_sampler)
    trial = study.ask()
    values = {choice.key: choice.suggest(trial) for choice in of_sampler.space}
    content = tune(of_sampler)
    assert content["trials"][0]["values"] == values


def test_the_first_trial_is_the_system_as_it_is(place: Home, tiny: Path, weather_file: Path) -> None:
    only = ("sampler.kind", "sampler.sampling_steps", "sampler.sigma_max")
    wanted = request(place, tiny, weather_file, sampler_only=True, only=only)
    own = find_system(str(tiny)).sampler
    content = wanted.system.model_dump(mode="json")
    content["sampler"] |= {"kind": "euler", "sampling_steps": 1, "sigma_max": 200.0, "churn": 0.0}
    for system in (wanted.system, type(wanted.system).model_validate(content)):
        space = chosen_space(system, only, sampler_only=True)
        found = tune(replace(wanted, system=system, space=space, trials=2, out=wanted.out / system.sampler.kind))
        values = {"sampler.kind": system.sampler.kind, "sampler.sampling_steps": system.sampler.sampling_steps}
        assert found["trials"][0]["values"] == values | {"sampler.sigma_max": system.sampler.sigma_max}
        assert found["trials"][1]["values"] != found["trials"][0]["values"]
    assert own.kind != "euler"


def test_own_noise_levels_stay_where_nothing_else_is_tried(tiny: Path) -> None:
    content = find_system(str(tiny)).model_dump(mode="json")
    content["sampler"] |= {"levels": (40.0, 5.0, 0.5), "sampling_steps": 3}
    system = parse_system(content, origin="test")
    assert changed_system(system, {"sampler.rho": system.sampler.rho}).sampler == system.sampler
    assert changed_system(system, {"sampler.rho": system.sampler.rho + 1}).sampler.levels == ()
    pasted = as_toml(to_paste(system, {"sampler.kind": "dpmpp-2m", "sampler.rho": system.sampler.rho + 1}))
    assert tomllib.loads(pasted)["sampler"]["levels"] == []
    assert "levels" not in as_toml(to_paste(system, {"sampler.noise_inflation": 1.1}))


def test_another_search_does_not_go_on_with_it(of_sampler: Search, tmp_path: Path) -> None:
    tune(replace(of_sampler, trials=1))
    assert of_sampler.checkpoint is not None
    retrained = shutil.copytree(of_sampler.checkpoint, tmp_path / "retrained")
    assert replace(of_sampler, checkpoint=retrained).identity() == of_sampler.identity()
    description = json.loads((retrained / "model.json").read_text())
    (retrained / "model.json").write_text(json.dumps(description | {"weights_sha256": "0" * 64}))
    assert replace(of_sampler, checkpoint=retrained).identity() != of_sampler.identity()
    with pytest.raises(ConfigurationError, match="expected this search or none, found the study of another"):
        tune(replace(of_sampler, members=3))


def test_a_search_that_trains_holds_the_validation_days_out(place: Home, tiny: Path, weather_file: Path) -> None:
    wanted = request(place, tiny, weather_file, sampler_only=False, only=("diffusion.weight",))
    content = wanted.system.model_dump(mode="json")
    content["periods"]["training"]["end"] = "2007-12-31"
    wanted = replace(wanted, system=type(wanted.system).model_validate(content), trials=2)
    assert str(tuning._held_out(wanted).periods.training.end) == "2007-11-30"
    found = tune(wanted)
    assert found["period"] == ["2007-12-01", "2007-12-31"]
    assert [len(row["parts"]) for row in found["trials"]] == [4, 4]
    assert not (wanted.out / "trial").exists()


def test_a_checkpoint_that_learned_from_the_days_is_named(of_sampler: Search, caplog: pytest.LogCaptureFixture) -> None:
    tuning._held_out(of_sampler)
    assert not caplog.text
    content = of_sampler.system.model_dump(mode="json")
    content["periods"]["validation"] = content["periods"]["training"]
    tuning._held_out(replace(of_sampler, system=parse_system(content, origin="test")))
    assert "learned from some of the days" in caplog.text


def test_no_days_to_train_on(place: Home, tiny: Path, weather_file: Path) -> None:
    wanted = request(place, tiny, weather_file, sampler_only=False, only=("diffusion.weight",))
    content = wanted.system.model_dump(mode="json")
    content["periods"]["validation"] = content["periods"]["training"]
    with pytest.raises(ConfigurationError, match="expected training days before the validation period"):
        tune(replace(wanted, system=type(wanted.system).model_validate(content)))


def test_the_space(tiny: Path) -> None:
    system = find_system(str(tiny))
    assert {choice.key.split(".")[0] for choice in chosen_space(system, (), sampler_only=True)} == {"sampler"}
    with pytest.raises(ConfigurationError, match=r"--only: expected one of .* found 'sampler\.x'"):
        chosen_space(system, ("sampler.x",), sampler_only=False)
    values = {"diffusion.weight": "min-snr", "sampler.kind": "dpmpp-2m", "sampler.rho": 5.0}
    changed = changed_system(system, values)
    pasted = tomllib.loads(as_toml(values))
    assert pasted["sampler"] == {"kind": changed.sampler.kind, "rho": changed.sampler.rho}
    assert pasted["diffusion"]["weight"] == changed.diffusion.weight == "min-snr"


def test_the_command(place: Home, tiny: Path, weather_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["tune", str(tiny), "--analysis", str(weather_file), "--trials", "1", "--starts", "1", "--members", "2"]
    assert main([*words, "--lead", "1d", "--sampler-only", "--only", "sampler.rho"]) == 0
    out = capsys.readouterr().out
    assert "[sampler]\nrho = " in out
    assert (place.root / "searches" / "tiny-sampler" / "trials.json").is_file()
    assert main([*words, "--only", "rho"]) == 2
    assert "--only: expected one of" in capsys.readouterr().err
    assert main([*words, "--checkpoint", "x"]) == 2
