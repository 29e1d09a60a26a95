"""Scores as tables: for a terminal, for a Prefect artifact, for a file."""

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table

from forecast.verification.evaluation_report import MODEL, EvaluationReport, Score, Scores

LEAST_WIDTH = 124
WITHOUT_SKILL = ("persistence", "analogue")
"""Baselines that tables show without a column of the skill against them, for want of room."""


def header(evaluation: EvaluationReport) -> list[str]:
    """Column names of `rows`.

    Args:
        evaluation: Scores of every forecaster.
    """
    scores = evaluation.scores
    others = [name for name in scores if name != _first(scores)]
    skills = [f"skill/{name}" for name in others if name not in WITHOUT_SKILL]
    return ["channel", "lead", _measure(scores, _first(scores)).upper(), *others, *skills, "spread/skill"]


def rows(evaluation: EvaluationReport, leads_hours: Sequence[int] | None = None) -> list[list[str]]:
    """One row a channel and lead: fair CRPS of each forecaster (MAE of persistence), skill, spread/skill.

    A forecast of one member has no fair CRPS: all are compared by the MAE of their means then. A forecaster that was
    scored on other starts than the model is shown without a skill, as the two are not comparable.

    Args:
        evaluation: Scores of every forecaster.
        leads_hours: Leads to show; a few when None.
    """
    scores = evaluation.scores
    model = scores[_first(scores)]
    table = []
    for channel_name, by_score in model.items():
        leads = [str(hours) for hours in leads_hours] if leads_hours else _few(list(by_score["rmse"]))
        table += [_row(evaluation, channel_name, lead) for lead in leads if lead in by_score["rmse"]]
    return table


def score_table(evaluation: EvaluationReport, leads_hours: Sequence[int] | None = None) -> Table:
    """The table for a terminal."""
    table = Table()
    for index, name in enumerate(header(evaluation)):
        table.add_column(name, no_wrap=True, justify="left" if index == 0 else "right")
    for row in rows(evaluation, leads_hours):
        table.add_row(*row)
    return table


def print_scores(evaluation: EvaluationReport, leads_hours: Sequence[int] | None = None) -> None:
    """Print the table on stdout, as wide as it needs to be."""
    print_table(score_table(evaluation, leads_hours), caption(evaluation))


def print_table(table: Table, title: str) -> None:
    """Print a table on stdout under its title, as wide as it needs to be."""
    print(title)
    # Piped, or on a narrow terminal, the table keeps its width: figures must not be cut.
    Console(width=max(Console().width, LEAST_WIDTH)).print(table)


def markdown_table(evaluation: EvaluationReport, leads_hours: Sequence[int] | None = None) -> str:
    """The table as Markdown."""
    names = header(evaluation)
    lines = [caption(evaluation), "", "| " + " | ".join(names) + " |", "|---" * len(names) + "|"]
    lines += ["| " + " | ".join(row) + " |" for row in rows(evaluation, leads_hours)]
    return "\n".join(lines) + "\n"


def caption(evaluation: EvaluationReport) -> str:
    """What the table is about, in one line."""
    start, end = evaluation.period
    scores = evaluation.scores
    starts = _counted(evaluation.initialisations, "forecast")
    members = _counted(evaluation.members, "member")
    measures = {_measure(scores, name) for name in scores}
    words = "fair CRPS"
    if _measure(scores, _first(scores)) == "mae":
        words = "MAE, as one member has no fair CRPS"
    elif "mae" in measures:
        words = f"fair CRPS, of {', '.join(name for name in scores if _measure(scores, name) == 'mae')} MAE"
    fewer = "".join(f"; {name} on {count}" for name, count in _scored_on_fewer(evaluation).items())
    fewer += "".join(f"; {name} on {share:.1%} of the points" for name, share in evaluation.scored_points.items())
    return f"{evaluation.system}: {starts} of {members}, {start} to {end}; {words}{fewer}"


def _scored_on_fewer(evaluation: EvaluationReport) -> dict[str, str]:
    """Number of starts of each forecaster that was not scored on all of them."""
    total = evaluation.initialisations
    counts = {name: sorted(set(by_lead.values())) for name, by_lead in evaluation.starts.items()}
    return {
        name: f"{'-'.join(map(str, dict.fromkeys((few[0], few[-1]))))} of {_counted(total, 'start')}"
        for name, few in counts.items()
        if few != [total]
    }


def _row(evaluation: EvaluationReport, channel_name: str, lead: str) -> list[str]:
    scores, starts = evaluation.scores, evaluation.starts
    first = _first(scores)
    own = _value(scores, first, channel_name, lead)
    others = [name for name in scores if name != first]
    cells = [_number(_value(scores, name, channel_name, lead)) for name in others]
    alike = {name: starts.get(name, {}).get(lead) == starts.get(first, {}).get(lead) for name in others}
    skills = [
        _skill(own, _value(scores, name, channel_name, lead) if alike[name] else None)
        for name in others
        if name not in WITHOUT_SKILL
    ]
    ratio = _single(scores[first][channel_name].get("spread_skill", {}).get(lead))
    return [
        channel_name,
        f"{int(lead) / 24:g} d",
        _number(own),
        *cells,
        *skills,
        "-" if ratio is None else f"{ratio:.2f}",
    ]


def _value(scores: Scores, name: str, channel_name: str, lead: str) -> float | None:
    return _single(scores[name].get(channel_name, {}).get(_measure(scores, name), {}).get(lead))


def _single(score: Score) -> float | None:
    assert not isinstance(score, list), "only a rank histogram has several numbers"
    return score


def _measure(scores: Scores, name: str) -> str:
    """What a forecaster is shown by: its fair CRPS; the MAE where it, or the forecast that is judged, has none."""
    has_crps = (_has_crps(scores[one]) for one in (name, _first(scores)))
    return "crps" if all(has_crps) else "mae"


def _has_crps(by_channel: Mapping[str, Mapping[str, Mapping[str, Score]]]) -> bool:
    return any(value is not None for by_score in by_channel.values() for value in by_score.get("crps", {}).values())


def _counted(count: int, word: str) -> str:
    return f"{count} {word}{'s' if count != 1 else ''}"


def _skill(crps: float | None, reference: float | None) -> str:
    return "-" if crps is None or not reference else f"{1 - crps / reference:+.0%}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"


def _first(scores: Scores) -> str:
    return MODEL if MODEL in scores else next(iter(scores))


def _few(leads: list[str]) -> list[str]:
    if len(leads) <= 4:
        return leads
    wanted = {"24", "72", "120", leads[-1]}
    chosen = [lead for lead in leads if lead in wanted]
    return chosen if len(chosen) > 1 else [leads[0], leads[len(leads) // 2], leads[-1]]
