"""Scorecards from score archives: who is compared with whom, as table, picture and data."""

import csv
import json
import logging
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from PIL import Image

from data_catalog.errors import ConfigurationError, MissingDataError
from forecast.verification import UnscorableError, append_cycle
from forecast.verification.evaluation import AXES, TOTALS
from forecast.verification.realism.report import write_realism
from pipelines.cli.app import main
from pipelines.scoring.forecasters import Forecaster
from pipelines.scoring.scorecard import Selection, choose_forecasters, compare, find_score_archives
from pipelines.scoring.scorecard_output import draw_evaluation_cards, names_of, origin_of, write_card
from pipelines.workspace.home import Home, home
from tests.forecast.verification.realism.test_report import GATES, report_of

START = np.datetime64("2008-01-01", "ns")
DAY = np.timedelta64(1, "D")
OLD, NEW, OTHER = ({"model": name, "members": members} for name, members in (("a", "20"), ("b", "20"), ("c", "50")))


def made_up(seed: int, factor: float, members: int) -> xr.DataArray:
    """Sums of one cycle: errors that all forecasters of it share, times a factor."""
    channels = ["z500", "msl"]
    shared = 100 + 10 * np.random.default_rng(seed).random((len(channels), 3, 2, len(TOTALS)))
    own = np.random.default_rng([seed, int(factor * 1000)]).normal(size=shared.shape)
    values = np.concatenate([factor * (shared + own), np.ones((*shared.shape[:3], members + 1))], axis=-1)
    values[..., 0] = 2.0
    leads = (np.arange(1, 4) * np.timedelta64(24, "h")).astype("timedelta64[ns]")
    statistics = [*TOTALS, *(f"rank_{rank:03d}" for rank in range(members + 1))]
    coords = {"channel": channels, "lead_time": leads, "region": ["global", "europe"], "statistic": statistics}
    return xr.DataArray(values, dims=AXES, coords=coords)


def fill(archive: Path, name: str, version: dict[str, str], factor: float, cycles: range, system: str = "tiny") -> str:
    forecaster = Forecaster(name, version, {"named": system, "dataset": "speedy-5p6"})
    for index in cycles:
        sums = made_up(index, factor, int(version["members"]))
        append_cycle(archive, forecaster.label, START + index * DAY, sums, {**forecaster.version, **forecaster.about})
    return forecaster.label


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("PLUMECAST_HOME", str(tmp_path / "home"))
    return home()


@pytest.fixture
def archive(place: Home) -> Path:
    path = place.score_archive("tiny")
    fill(path, "plumecast", OLD, 0.9, range(30))
    fill(path, "linear", {"baselines": "x", "members": "20"}, 1.0, range(25))
    fill(path, "persistence", {"baselines": "x", "members": "1"}, 1.5, range(25))
    return path


def test_model_against_linear_is_what_comes_first(archive: Path) -> None:
    ours, theirs = choose_forecasters([archive])
    assert (ours.words, theirs.words) == ("plumecast", "linear")
    card = compare(ours, theirs)
    assert card.attrs["cycles"] == 25
    np.testing.assert_allclose(card["change"], -10, atol=1)
    assert names_of(ours, theirs) == ("Plumecast", "linear")
    assert origin_of(card, ours, theirs) == "tiny, 20 members  ·  25 cycles, 2008-01-01 to 2008-01-25"
    assert choose_forecasters([archive], reference="persistence")[1].words == "persistence"
    with pytest.raises(ConfigurationError, match=r"--reference: expected one of linear@.*25 cycles.*found 'analogue'"):
        choose_forecasters([archive], reference="analogue")


def test_a_changed_model_stands_beside_the_old_one(archive: Path) -> None:
    new = fill(archive, "plumecast", NEW, 0.8, range(10, 30))
    with pytest.raises(
        ConfigurationError, match=r"--forecaster: .*\(20 members, 30 cycles.*found 'plumecast', which is"
    ):
        choose_forecasters([archive])
    ours, theirs = choose_forecasters([archive], forecaster=new, reference="linear")
    assert compare(ours, theirs).attrs["cycles"] == 15
    old = next(path.stem for path in (archive / "20080101T0000Z").glob("plumecast@*"))
    ours, theirs = choose_forecasters([archive], forecaster=new[:13], reference=old)
    card = compare(ours, theirs)
    assert card.attrs["cycles"] == 20
    np.testing.assert_allclose(card["change"], 100 * (0.8 / 0.9 - 1), atol=1)
    assert names_of(ours, theirs) == (new, old)


def test_the_baseline_of_the_same_size_is_preferred(archive: Path) -> None:
    larger = fill(archive, "plumecast", OTHER, 0.8, range(30))
    fill(archive, "linear", {"baselines": "x", "members": "50"}, 1.0, range(30))
    assert choose_forecasters([archive], forecaster=larger)[1].found.about["members"] == "50"


def test_two_systems(place: Home, archive: Path) -> None:
    fill(place.score_archive("other"), "plumecast", OTHER, 1.2, range(5, 40), system="other")
    found = find_score_archives(place, ["tiny", "other"])
    assert found == [archive, place.score_archive("other")]
    ours, theirs = choose_forecasters(found)
    card = compare(ours, theirs)
    assert card.attrs["cycles"] == 25
    assert names_of(ours, theirs) == ("tiny", "other")
    assert origin_of(card, ours, theirs).startswith("tiny and other, 20 and 50 members")
    np.testing.assert_allclose(card["change"], -25, atol=1.5)


def test_selections(archive: Path) -> None:
    sides = choose_forecasters([archive])
    card = compare(*sides, Selection(score="rmse", start=START + 10 * DAY, channels=("msl",), regions=("europe",)))
    assert (card.attrs["cycles"], card.attrs["tests"], card.attrs["score_name"]) == (15, 3, "rmse")
    some = [START + index * DAY for index in range(0, 24, 2)]
    assert compare(*sides, Selection(init_times=some)).attrs["cycles"] == 12
    with pytest.raises(ConfigurationError, match=r"--channel: expected one of z500, msl of plumecast@.*, found 't2m'"):
        compare(*sides, Selection(channels=("t2m",)))
    with pytest.raises(UnscorableError, match="expected at least 10 cycles that both have, found 5"):
        compare(*sides, Selection(start=START + 20 * DAY))


def test_outputs(archive: Path, tmp_path: Path) -> None:
    ours, theirs = choose_forecasters([archive])
    card = compare(ours, theirs)
    card["p_value"][0, 0, 0] = np.nan
    rows = list(csv.DictReader(write_card(card, ours, theirs, tmp_path / "card.csv").read_text().splitlines()))
    assert len(rows) == 2 * 3 * 2
    assert list(rows[0].values())[:4] == ["global", "z500", "24", "25"]
    assert float(rows[0]["change_percent"]) == pytest.approx(float(card["change"].sel(channel="z500")[0, 0]))
    content = json.loads(write_card(card, ours, theirs, tmp_path / "card.json").read_text())
    assert (content["score_name"], content["cycles"], content["tests"], content["evenly_spaced"]) == (
        "crps",
        25,
        12,
        True,
    )
    assert content["cells"][0]["p_value"] is None
    assert content["cells"][1]["p_adjusted"] < 0.05
    assert "false discovery rate" in content["adjustment"]
    with Image.open(write_card(card, ours, theirs, tmp_path / "card.png")) as picture:
        assert min(picture.size) > 300
    for name in ("card.pdf", "none/card.png"):
        with pytest.raises(ConfigurationError, match=r"expected a name ending in \.png, \.csv, \.json in an existing"):
            write_card(card, ours, theirs, tmp_path / name)


def test_cards_of_an_evaluation(archive: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    labels = {path.stem.partition("@")[0]: path.stem for path in (archive / "20080101T0000Z").glob("*.npz")}
    cycles = [START + index * DAY for index in range(12)]
    made = draw_evaluation_cards(archive, labels, dict.fromkeys(labels, cycles), tmp_path / "scores.json")
    assert [path.name for path in made] == ["scores_against_linear.png"]
    fewer = {"plumecast": cycles, "linear": cycles[:9]}
    with caplog.at_level(logging.INFO, "plumecast"):
        assert draw_evaluation_cards(archive, labels, fewer, tmp_path / "scores.json") == []
    assert "No scorecard against linear: it needs 10 cycles, found 9" in caplog.text


def test_command(archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "card.json"
    assert main(["scorecard", "tiny", "--out", str(out), "--out", str(tmp_path / "card.png")]) == 0
    printed = capsys.readouterr().out
    assert "fair CRPS: Plumecast against linear; tiny, 20 members" in printed
    assert "▲ -10" in printed
    assert f"Scorecard: {out}" in printed
    assert main(["scorecard", "tiny", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(out.read_text())
    assert main(["scorecard", str(archive), "--list"]) == 0
    printed = capsys.readouterr().out
    assert "plumecast@" in printed
    assert "2008-01-30" in printed
    for words, status, complaint in (
        (["scorecard", "nothing"], 2, "system 'nothing': expected one of"),
        (["scorecard", "speedy-5p6"], 3, "'plumecast evaluate', 'verify' and 'cycle' fill it"),
        (["scorecard", "tiny", "--score", "spread"], 2, "score: expected one of"),
        (["scorecard", "tiny", "--start", "soon"], 2, "--start: expected an ISO time"),
        (["scorecard", "tiny", "tiny", "tiny"], 2, "expected one or two systems or score archives, found 3"),
        (["scorecard", "tiny", "--reference", "persistence", "--channel", "q850"], 2, "--channel: expected one of"),
        (["scorecard", str(tmp_path)], 2, "expected a cycle such as"),
    ):
        assert main(words) == status, words
        assert complaint in capsys.readouterr().err


def test_nothing_scored_yet(place: Home) -> None:
    with pytest.raises(MissingDataError, match=r"score archive of 'ncep-natlantic': expected .*, found none"):
        find_score_archives(place, ["ncep-natlantic"])


def test_a_scorecard_tells_how_the_model_did_at_the_physics_gates(
    archive: Path, place: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["scorecard", "tiny"]) == 0
    assert "Physics gates" not in capsys.readouterr().out
    write_realism(report_of(*GATES, model_id=OLD["model"]), place.checkpoint("tiny") / "realism.json")
    assert main(["scorecard", "tiny"]) == 0
    expected = "Physics gates, 36 starts from 2008-01-01: 1 passed, 1 failed, 1 not measured (spectrum failed)"
    assert expected in capsys.readouterr().out
    assert main(["scorecard", "tiny", "--json"]) == 0
    gates = json.loads(capsys.readouterr().out)["physics_gates"]
    assert gates["spectrum"] == {"status": "failed", "measured": 3, "failed": 2}
