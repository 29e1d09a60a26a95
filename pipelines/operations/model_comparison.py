"""Whether a candidate is good enough to take the place of the live model: by the cycles that both were scored on."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from data_catalog.errors import MissingDataError
from forecast.products.plots.scorecards import SIGNIFICANT
from forecast.verification.archive.archive import ArchivedForecaster, archived_forecasters
from forecast.verification.comparison.scorecard import card_table
from forecast.verification.evaluation import scores_of
from pipelines.scoring.scorecard import ScoredForecaster, compare, joined_sums
from pipelines.workspace.home import Home
from pipelines.workspace.model_registry import short

LEAST_CYCLES = 20
MOST_WORSE_PERCENT = 1.0
"""On average over channels, lead times and regions; less cannot be told from noise in a few dozen cycles."""
RELIABLE = 0.9, 1.1
"""Spread/skill that is as good as 1."""


@dataclass(frozen=True)
class ModelComparison:
    """A candidate against the live model.

    Attributes:
        cycles: How many both were scored on.
        first: Init time of the first, ISO 8601.
        last: Init time of the last.
        change_percent: Of the fair CRPS, mean over channels, lead times and regions; negative where better.
        better: How many of these are significantly better.
        worse: How many are significantly worse.
        cells: How many there are.
        unreliability: Mean distance of spread/skill from the reliable range, as a factor above 1, of the candidate and
            of the live model.
        faults: Why the candidate is not good enough, a line each; none if it is.
    """

    cycles: int
    first: str
    last: str
    change_percent: float
    better: int
    worse: int
    cells: int
    unreliability: tuple[float, float]
    faults: tuple[str, ...] = ()

    def as_evidence(self) -> dict[str, Any]:
        """Return what is kept with a promotion."""
        return {
            "cycles": self.cycles,
            "first": self.first,
            "last": self.last,
            "crps_change_percent": round(self.change_percent, 2),
            "significantly_better": self.better,
            "significantly_worse": self.worse,
            "cells": self.cells,
            "spread_factor": round(self.unreliability[0], 3),
            "spread_factor_of_live": round(self.unreliability[1], 3),
        }


def compare_models(home: Home, system_name: str, candidate: str, live: str) -> ModelComparison:
    """Compare two models over the cycles that both were scored on.

    Args:
        home: Home directory, with the score archive.
        system_name: Name of the system.
        candidate: Identity of the candidate.
        live: Identity of the live model.

    Raises:
        MissingDataError: One of them was never scored, or they share fewer than 20 cycles.
    """
    archive = home.score_archive(system_name)
    there = archived_forecasters(archive) if archive.is_dir() else []
    ours, theirs = _most_shared(there, candidate, live)
    shared = np.intersect1d(ours.init_times, theirs.init_times)
    if len(shared) < LEAST_CYCLES:
        raise MissingDataError(
            f"models {short(candidate)} and {short(live)}: expected at least {LEAST_CYCLES} cycles that both were "
            f"scored on, found {len(shared)}; let it run as a shadow for longer"
        )
    pair = ScoredForecaster(archive, ours), ScoredForecaster(archive, theirs)
    card = compare(*pair)
    table = card_table(card)
    significant = table[table["p_adjusted"] < SIGNIFICANT]
    worse = significant[significant["change_percent"] > 0]
    mean = float(table["change_percent"].mean())
    factors = _unreliability(joined_sums(*pair))
    faults = [
        f"{row.channel} at {row.lead_hours} h ({row.region}): CRPS {row.change_percent:+.1f} %, significantly worse"
        for row in worse.itertuples()
    ]
    if not mean <= MOST_WORSE_PERCENT:
        faults.append(f"CRPS {mean:+.1f} % on average, expected at most {MOST_WORSE_PERCENT:+.0f} %")
    if not factors[0] <= max(factors[1], 1.0) * (1 + MOST_WORSE_PERCENT / 100):
        faults.append(
            f"spread/skill by a factor of {factors[0]:.2f} outside .9 to 1.1, that of the live model {factors[1]:.2f}"
        )
    first, last = card.attrs["first_init_time"], card.attrs["last_init_time"]
    return ModelComparison(
        len(shared), first, last, mean, len(significant) - len(worse), len(worse), len(table), factors, tuple(faults)
    )


def _most_shared(
    there: list[ArchivedForecaster], candidate: str, live: str
) -> tuple[ArchivedForecaster, ArchivedForecaster]:
    """Of the versions of two models in an archive, those of one size that share most cycles."""
    found = {model: [one for one in there if one.about.get("model") == model] for model in (candidate, live)}
    for model, versions in found.items():
        if not versions:
            raise MissingDataError(f"model {short(model)}: expected scores of some cycles, found none")
    pairs = [
        (one, other)
        for one in found[candidate]
        for other in found[live]
        if one.about.get("members") == other.about.get("members")
    ]
    if not pairs:
        raise MissingDataError(f"models {short(candidate)} and {short(live)}: expected scores of ensembles of one size")
    return max(pairs, key=lambda pair: len(np.intersect1d(pair[0].init_times, pair[1].init_times)))


def _unreliability(sums: xr.DataArray) -> tuple[float, float]:
    """How far spread/skill is from the reliable range, over the cycles that both have: geometric mean of a factor."""
    shared = sums.sel(statistic="weight", drop=True).notnull().all("forecaster")
    ratio = scores_of(sums.where(shared).sum("init_time"))["spread_skill"]
    away: xr.DataArray = abs(xr.apply_ufunc(np.log, ratio / ratio.clip(*RELIABLE)))
    means = away.mean([dim for dim in away.dims if dim != "forecaster"])
    return math.exp(float(means.sel(forecaster="forecaster"))), math.exp(float(means.sel(forecaster="reference")))
