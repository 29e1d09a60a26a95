"""A search continues after a kill, stops trials that fall behind, and uses validation days only."""

import json
import logging
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import xarray as xr

from data_catalog.errors import ConfigurationError, DivergedError, MissingDataError
from data_catalog.storage.locks import LOCK, lock
from forecast.checkpoints.checkpoint import Checkpoint
from pipelines.cli.app import main
from pipelines.tuning.search import trials_file, tune
from pipelines.tuning.search_request import SearchRequest
from pipelines.tuning.search_result import describe_result
from pipelines.tuning.search_space import chosen_space
from pipelines.tuning.study import open_study
from pipelines.tuning.validation import Validation
from pipelines.workspace.home import Home
from pipelines.workspace.systems import find_system

pytestmark = pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")


def search_request(place: Home, tiny: Path, weather_file: Path, only: tuple[str, ...]) -> SearchRequest:
    system = find_system(str(tiny))
    return SearchRequest(
        system, weather_file, place.root / "search", chosen_space(system, only, sampler_only=False),
        trials=3, iterations=4, checkpoint=None, starts=2, members=2, lead_steps=1,
    )  # fmt: skip


@pytest.fixture
def of_sampler(place: Home, tiny: Path, weather_file: Path) -> SearchRequest:
    only = ("sampler.sampling_steps", "sampler.noise_inflation")
    return replace(search_request(place, tiny, weather_file, only), checkpoint=place.checkpoint("tiny"))


def failing_forecasts(monkeypatch: pytest.MonkeyPatch, fault: BaseException, *numbers: int) -> list[Checkpoint]:
    """Let some series of validation forecasts fail, counted from 1; all of them if none is given."""
    real, calls = Validation.score_each, []

    def score_each(self: Validation, checkpoint: Checkpoint) -> Iterator[xr.DataArray]:
        calls.append(checkpoint)
        if not numbers or len(calls) in numbers:
            raise fault
        yield from real(self, checkpoint)

    monkeypatch.setattr(Validation, "score_each", score_each)
    return calls


DIVERGED = DivergedError("forecast of msl: expected finite values, found NaN")


def test_a_killed_search_continues(of_sampler: SearchRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = failing_forecasts(monkeypatch, KeyboardInterrupt(), 2)
    with pytest.raises(KeyboardInterrupt):
        tune(of_sampler)
    assert not trials_file(of_sampler.directory).exists()
    found = tune(of_sampler)
    assert found.trials[0].trial == 0
    assert len(found.trials) == 3
    content = json.loads(trials_file(of_sampler.directory).read_text())
    assert list(content) == ["system", "period", "best", "value", "trials"]
    assert [row["values"] for row in content["trials"]] == [row.values for row in found.trials]
    done = len(calls)
    assert tune(of_sampler) == found
    assert len(calls) == done
    assert found.value == min(row.value for row in found.trials if row.value is not None)
    assert "sampling_steps = " in describe_result(found)


def test_a_diverging_trial_is_stopped(
    of_sampler: SearchRequest, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    failing_forecasts(monkeypatch, DIVERGED, 1)
    with caplog.at_level(logging.WARNING, logger="plumecast"):
        found = tune(of_sampler)
    assert (found.trials[0].state, found.trials[0].value) == ("pruned", None)
    assert "Trial 0 is stopped: forecast of msl" in caplog.text
    assert describe_result(found).splitlines()[3].split()[1:3] == ["pruned", "inf"]


def test_a_search_without_complete_trials_is_an_error(
    of_sampler: SearchRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing_forecasts(monkeypatch, DIVERGED)
    with pytest.raises(ConfigurationError, match="expected a complete trial, found 3, all stopped early"):
        tune(of_sampler)
    content = json.loads(trials_file(of_sampler.directory).read_text())
    assert content["best"] is None
    assert len(content["trials"]) == 3


def test_one_search_at_a_time(of_sampler: SearchRequest) -> None:
    with (
        lock(of_sampler.directory / LOCK, "this"),
        pytest.raises(MissingDataError, match="search in"),
    ):
        tune(of_sampler)


def test_the_first_trial_is_the_system_as_it_is(of_sampler: SearchRequest) -> None:
    only = ("sampler.kind", "sampler.sampling_steps", "sampler.sigma_max")
    own = of_sampler.system
    euler = own.sampler.changed(kind="euler", sampling_steps=1, sigma_max=200.0, churn=0.0)
    for system in (own, own.changed(sampler=euler)):
        space = chosen_space(system, only, sampler_only=True)
        directory = of_sampler.directory / system.sampler.kind
        found = tune(replace(of_sampler, system=system, space=space, trials=2, directory=directory))
        values = {"sampler.kind": system.sampler.kind, "sampler.sampling_steps": system.sampler.sampling_steps}
        assert found.trials[0].values == values | {"sampler.sigma_max": system.sampler.sigma_max}
        assert [row.own for row in found.trials] == [True, False]


def test_another_search_does_not_continue_it(of_sampler: SearchRequest, tmp_path: Path) -> None:
    tune(replace(of_sampler, trials=1))
    assert of_sampler.checkpoint is not None
    retrained = shutil.copytree(of_sampler.checkpoint, tmp_path / "retrained")
    assert replace(of_sampler, checkpoint=retrained).identity() == of_sampler.identity()
    description = json.loads((retrained / "model.json").read_text())
    (retrained / "model.json").write_text(json.dumps(description | {"weights_sha256": "0" * 64}))
    assert replace(of_sampler, checkpoint=retrained).identity() != of_sampler.identity()
    with pytest.raises(ConfigurationError, match="expected this search or none, found the study of another"):
        tune(replace(of_sampler, members=3))


def with_periods(request: SearchRequest, **periods: Any) -> SearchRequest:
    """Return the request with some days of its system's periods changed."""
    own = request.system.periods
    changed = own.changed(**{name: getattr(own, name).changed(**days) for name, days in periods.items()})
    return replace(request, system=request.system.changed(periods=changed))


def test_a_search_that_trains_holds_the_validation_days_out(
    place: Home, tiny: Path, weather_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    request = search_request(place, tiny, weather_file, ("diffusion.weight",))
    with caplog.at_level(logging.INFO, logger="plumecast"):
        found = tune(replace(with_periods(request, training={"end": "2007-12-31"}), trials=2))
    assert "Training on 2007-01-01 to 2007-11-30, so that the validation days are held out" in caplog.text
    assert found.period == ("2007-12-01", "2007-12-31")
    assert [len(row.parts) for row in found.trials] == [4, 4]
    assert not (request.directory / "trial").exists()


def test_a_checkpoint_trained_on_validation_days_is_reported(
    of_sampler: SearchRequest, caplog: pytest.LogCaptureFixture
) -> None:
    tune(replace(of_sampler, trials=1))
    assert "trained on some of the days" not in caplog.text
    days = {"start": "2007-11-01", "end": "2007-11-30"}
    tune(replace(with_periods(of_sampler, validation=days), trials=1, directory=of_sampler.directory / "seen"))
    assert "trained on some of the days" in caplog.text


def test_no_days_to_train_on(place: Home, tiny: Path, weather_file: Path) -> None:
    request = search_request(place, tiny, weather_file, ("diffusion.weight",))
    with pytest.raises(ConfigurationError, match="expected training days before the validation period"):
        tune(with_periods(request, validation={"start": "2007-01-01", "end": "2007-11-30"}))


def test_a_killed_trial_is_run_again(of_sampler: SearchRequest) -> None:
    trial = open_study(of_sampler).ask()
    values = {choice.key: choice.suggest(trial) for choice in of_sampler.space}
    assert tune(of_sampler).trials[0].values == values


def test_the_command(place: Home, tiny: Path, weather_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["tune", str(tiny), "--analysis", str(weather_file), "--trials", "1", "--starts", "1", "--members", "2"]
    assert main([*words, "--lead", "1d", "--sampler-only", "--only", "sampler.rho"]) == 0
    out = capsys.readouterr().out
    assert "[sampler]\nrho = " in out
    assert (place.root / "searches" / "tiny-sampler" / "trials.json").is_file()
    assert main([*words, "--only", "rho"]) == 2
    assert "--only: expected one of diffusion.time_distribution, " in capsys.readouterr().err
    assert main([*words, "--checkpoint", "x"]) == 2
    assert "--checkpoint: expected --sampler-only with it" in capsys.readouterr().err
