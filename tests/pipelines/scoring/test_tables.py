"""Tables of scores: what stands in them, and what is said of one member or of other starts."""

from typing import Any

from forecast.verification.evaluation_report import EvaluationReport
from pipelines.scoring.tables import caption, header, markdown_table, rows, score_table


def report(
    initialisations: int, members: int, scores: dict[str, Any], starts: dict[str, dict[str, int]] | None = None
) -> EvaluationReport:
    return EvaluationReport(
        system="s",
        model_id="m",
        period=("a", "b"),
        initialisations=initialisations,
        members=members,
        scores=scores,
        starts=starts or {},
    )


def test_tables() -> None:
    scores = {
        "plumecast": {
            "msl": {"crps": {"24": 200.0, "48": 300.0}, "rmse": {"24": 1, "48": 1}, "spread_skill": {"24": 0.9}}
        },
        "persistence": {"msl": {"crps": {"24": None}, "mae": {"24": 400.0}, "rmse": {"24": 1}}},
        "linear": {"msl": {"crps": {"24": 250.0, "48": 300.0}, "rmse": {"24": 1}}},
    }
    evaluation = report(2, 3, scores)
    assert header(evaluation) == ["channel", "lead", "CRPS", "persistence", "linear", "skill/linear", "spread/skill"]
    assert rows(evaluation) == [
        ["msl", "1 d", "200", "400", "250", "+20%", "0.90"],
        ["msl", "2 d", "300", "-", "300", "+0%", "-"],
    ]
    assert rows(evaluation, [48, 96]) == rows(evaluation)[1:]
    assert "| msl | 1 d | 200 | 400 | 250 | +20% | 0.90 |" in markdown_table(evaluation)
    assert len(score_table(evaluation).columns) == 7
    assert caption(evaluation) == "s: 2 forecasts of 3 members, a to b; fair CRPS, of persistence MAE"


def test_a_forecast_of_one_member_is_shown_by_its_mae() -> None:
    one = {"crps": {"24": None}, "mae": {"24": 250.0}, "rmse": {"24": 300.0}, "spread_skill": {"24": None}}
    many = {"crps": {"24": 150.0}, "mae": {"24": 200.0}, "rmse": {"24": 260.0}, "spread_skill": {"24": 1.0}}
    scores = {"forecast": {"msl": one}, "linear": {"msl": many}}
    evaluation = report(1, 1, scores)
    assert header(evaluation) == ["channel", "lead", "MAE", "linear", "skill/linear", "spread/skill"]
    assert rows(evaluation) == [["msl", "1 d", "250", "200", "-25%", "-"]]
    assert caption(evaluation) == "s: 1 forecast of 1 member, a to b; MAE, as one member has no fair CRPS"


def test_a_forecaster_scored_on_other_starts_is_counted_and_has_no_skill() -> None:
    scores = {
        "plumecast": {"msl": {"crps": {"24": 200.0, "48": 300.0}, "rmse": {"24": 1, "48": 1}}},
        "linear": {"msl": {"crps": {"24": 250.0, "48": 400.0}, "rmse": {"24": 1, "48": 1}}},
    }
    starts = {"plumecast": {"24": 4, "48": 4}, "linear": {"24": 2, "48": 4}}
    evaluation = report(4, 3, scores)
    fewer = report(4, 3, scores, starts)
    assert caption(fewer).endswith("; fair CRPS; linear on 2-4 of 4 starts")
    assert [row[4] for row in rows(fewer)] == ["-", "+25%"]
    assert [row[4] for row in rows(evaluation)] == ["+20%", "+25%"]
