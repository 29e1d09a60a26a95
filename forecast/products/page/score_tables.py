"""Tables of scores for the page of a run."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from forecast.products.plots.diagnostics import MODEL, Scores
from forecast.products.plots.styles import style_of, title_of

TABLE_LEADS = 6
TABLED_SCORES = (("crps", "fair CRPS"), ("rmse", "RMSE of the ensemble mean"))
PLAIN_UNITS = {"m s$^{-1}$": "m/s", "g kg$^{-1}$": "g/kg"}


@dataclass(frozen=True)
class ScoreRow:
    """One forecaster in a table of scores.

    Attributes:
        forecaster: Name of the forecaster.
        values: The score at each lead time, as text.
        best: Whether it is the smallest of all forecasters, at each lead time.
    """

    forecaster: str
    values: tuple[str, ...]
    best: tuple[bool, ...]


@dataclass(frozen=True)
class ScoreTable:
    """The scores of one channel.

    Attributes:
        title: Channel and unit.
        leads: Lead times of the columns.
        groups: Name of each score, and its rows.
        spread_skill: Spread/skill ratio of the model at each lead time.
    """

    title: str
    leads: tuple[str, ...]
    groups: tuple[tuple[str, tuple[ScoreRow, ...]], ...]
    spread_skill: tuple[str, ...]


def score_tables(scores: Scores, order: Sequence[str]) -> list[ScoreTable]:
    """Tabulate the scores of the model and the baselines by channel and lead time, in the units of the maps.

    Args:
        scores: Scores by forecaster, channel, score and lead hours, as in an evaluation file.
        order: Channels, in the order of the tables; those without scores are left out.

    Returns:
        One table per channel, with at most 6 lead times; the smallest score of each lead time is marked.
    """
    model = scores.get(MODEL, {})
    return [_score_table(scores, name) for name in order if name in model and model[name].get("crps")]


def _score_table(scores: Scores, name: str) -> ScoreTable:
    all_leads = sorted(scores[MODEL][name]["crps"], key=float)
    picked = {round(index) for index in np.linspace(0, len(all_leads) - 1, min(TABLE_LEADS, len(all_leads)))}
    leads = [all_leads[index] for index in sorted(picked)]
    ratios = scores[MODEL][name].get("spread_skill", {})
    style = style_of(name)
    return ScoreTable(
        title=f"{title_of(name)}, {PLAIN_UNITS.get(style.unit, style.unit)}",
        leads=tuple(f"{float(lead) / 24:g} d" for lead in leads),
        groups=tuple((words, _score_rows(scores, name, score, leads)) for score, words in TABLED_SCORES),
        spread_skill=tuple("–" if ratios.get(lead) is None else f"{float(ratios[lead]):.2f}" for lead in leads),
    )


def _score_rows(scores: Scores, name: str, score: str, leads: Sequence[str]) -> tuple[ScoreRow, ...]:
    """Return one row for each forecaster that has the score, the model first."""
    factor = style_of(name).factor
    values: dict[str, list[float]] = {}
    for forecaster in sorted(scores, key=lambda each: (each != MODEL, each)):
        by_lead = scores[forecaster].get(name, {}).get(score, {})
        found = [np.nan if by_lead.get(lead) is None else float(by_lead[lead]) * factor for lead in leads]
        if np.isfinite(found).any():
            values[forecaster] = found
    known = [value for row in values.values() for value in row if np.isfinite(value)]
    digits = _digits(known)
    smallest = [
        min((value for value in column if np.isfinite(value)), default=np.nan)
        for column in zip(*values.values(), strict=True)
    ]
    return tuple(
        ScoreRow(
            forecaster.capitalize(),
            tuple(f"{value:.{digits}f}" if np.isfinite(value) else "–" for value in row),
            tuple(bool(value <= best) for value, best in zip(row, smallest, strict=True)),
        )
        for forecaster, row in values.items()
    )


def _digits(values: Sequence[float]) -> int:
    """Return the number of decimals that shows three significant digits of the largest value."""
    largest = max((abs(value) for value in values), default=1.0)
    return int(np.clip(2 - np.floor(np.log10(max(largest, 1e-9))), 0, 6))
