"""The evaluation JSON: documented keys, undefined scores as null, files of earlier releases, and refusals."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from data_catalog.errors import ConfigurationError, InvalidDataError
from forecast.verification.evaluation import cycle_sums
from forecast.verification.evaluation_report import (
    EvaluationReport,
    ScoredCycle,
    pooled,
    read_evaluation,
    write_evaluation,
)

MakePair = Callable[..., tuple[xr.DataArray, xr.DataArray]]
START = np.datetime64("2008-01-01T00", "ns")
DAY = np.timedelta64(1, "D")


def scored(make_pair: MakePair, kind: str, init_time: np.datetime64 = START) -> ScoredCycle:
    forecast, analysis = (pair.to_dataset(name="msl") for pair in make_pair(kind))
    sums = {"plumecast": cycle_sums(forecast, analysis)}
    return ScoredCycle("tiny", "model", "system", forecast.sizes["member"], init_time, init_time + 3 * DAY, sums)


@pytest.fixture
def report(make_pair: MakePair) -> EvaluationReport:
    return pooled([scored(make_pair, "random"), scored(make_pair, "tied", START + DAY)])


def test_the_file_has_the_documented_keys(report: EvaluationReport, tmp_path: Path) -> None:
    path = write_evaluation(report, tmp_path / "scores.json")
    content = json.loads(path.read_text())
    assert list(content) == ["system", "model_id", "period", "initialisations", "members", "scores", "starts", "format"]
    assert content["period"] == ["2008-01-01", "2008-01-05"]
    assert (content["initialisations"], content["members"], content["format"]) == (2, 9, 1)
    by_lead = content["scores"]["plumecast"]["msl"]["crps"]
    assert list(by_lead) == ["24", "48", "72"]
    assert all(isinstance(value, float) for value in by_lead.values())
    assert len(content["scores"]["plumecast"]["msl"]["rank_histogram"]["24"]) == 10
    assert read_evaluation(path) == report
    assert list(tmp_path.iterdir()) == [path]


def test_an_undefined_score_is_null(make_pair: MakePair, tmp_path: Path) -> None:
    path = write_evaluation(pooled([scored(make_pair, "single")]), tmp_path / "scores.json")
    assert set(json.loads(path.read_text())["scores"]["plumecast"]["msl"]["crps"].values()) == {None}


def test_files_of_the_first_release_are_read(report: EvaluationReport, tmp_path: Path) -> None:
    path = tmp_path / "scores.json"
    path.write_text(json.dumps(report.model_dump(exclude={"format"})))
    assert read_evaluation(path) == report


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"format": 2}, "format: Input should be 1"),
        ({"scores": {"plumecast": {"msl": {"crps": {"24": "large"}}}}}, "scores.plumecast.msl.crps.24"),
        ({"members": None}, "members: Input should be a valid integer"),
    ],
)
def test_other_files_are_refused(
    report: EvaluationReport, tmp_path: Path, change: dict[str, object], found: str
) -> None:
    path = tmp_path / "scores.json"
    path.write_text(json.dumps(report.model_dump() | change))
    with pytest.raises(InvalidDataError, match=f"scores.json: expected an evaluation; {found}"):
        read_evaluation(path)
    path.write_text("{")
    with pytest.raises(InvalidDataError, match="expected an evaluation; file: Invalid JSON"):
        read_evaluation(path)
    with pytest.raises(InvalidDataError, match="expected an evaluation, found No such file"):
        read_evaluation(tmp_path / "absent.json")


def test_a_score_that_is_no_number_is_never_written(report: EvaluationReport) -> None:
    with pytest.raises(ValueError, match="finite"):
        EvaluationReport.model_validate(report.model_dump() | {"scores": {"x": {"msl": {"crps": {"24": np.nan}}}}})


def test_only_forecasts_of_one_model_and_size_are_pooled(make_pair: MakePair) -> None:
    one = scored(make_pair, "random")
    for other, word in (
        (replace(one, members=5), "members"),
        (replace(one, model_id="other"), "model"),
        (replace(one, system_hash="other"), "step and sampler"),
    ):
        with pytest.raises(ConfigurationError, match=f"expected forecasts with the same {word}"):
            pooled([one, other])


def test_a_part_of_the_channels(report: EvaluationReport) -> None:
    both = report.model_validate(
        report.model_dump() | {"scores": {"plumecast": {"a": {}, "msl": report.scores["plumecast"]["msl"]}}}
    )
    assert both.of_channels(["msl"]) == report
    with pytest.raises(KeyError):
        both.of_channels(["z500"])
