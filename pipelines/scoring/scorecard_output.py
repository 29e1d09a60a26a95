"""Scorecards as pictures, tables and files."""

import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import xarray as xr
from rich.table import Table

from data_catalog.errors import ConfigurationError
from data_catalog.layout.times import day
from data_catalog.storage.atomic_files import write_durably
from forecast.products.plots.scorecards import SCORE_WORDS, SIGNIFICANT, plot_scorecard
from forecast.verification.archive.archive import archived_forecasters
from forecast.verification.comparison.scorecard import card_table
from forecast.verification.comparison.significance import LEAST_CYCLES
from forecast.verification.evaluation_report import MODEL
from forecast.verification.realism.report import RealismReport
from pipelines.scoring.scorecard import REFERENCES, ScoredForecaster, Selection, compare, find_forecaster
from pipelines.scoring.tables import print_table
from pipelines.workspace.datasets import is_simulated
from pipelines.workspace.home import home
from pipelines.workspace.realism_records import find_realism

logger = logging.getLogger("plumecast")
FORMATS = (".png", ".csv", ".json")
SHOWN_LEADS = 10
SHOWN_REGIONS = 2


def write_card(card: xr.Dataset, ours: ScoredForecaster, theirs: ScoredForecaster, out: Path) -> Path:
    """Write a scorecard as PNG, CSV or JSON, by the suffix of the name.

    Raises:
        ConfigurationError: Another suffix, or no directory.
    """
    check_out(out)
    if out.suffix == ".png":
        names = names_of(ours, theirs)
        return plot_scorecard(card, out, names=names, origin=origin_of(card, ours, theirs), simulated=_simulated(ours))
    if out.suffix == ".csv":
        return write_durably(out, card_table(card).to_csv(index=False))
    return write_durably(out, card_json(card) + "\n")


def check_out(out: Path) -> None:
    """Refuse a name that a scorecard cannot be written to.

    Raises:
        ConfigurationError: Another suffix, or no directory.
    """
    if out.suffix not in FORMATS or not out.resolve().parent.is_dir():
        raise ConfigurationError(
            f"--out {out}: expected a name ending in {', '.join(FORMATS)} in an existing directory, found another"
        )


def card_json(card: xr.Dataset, gates: RealismReport | None = None) -> str:
    """A scorecard as JSON; null where a cell was not tested.

    Args:
        card: The scorecard.
        gates: Physics gates of the forecaster, if they were measured.
    """
    cells = card_table(card).to_dict("records")
    plain = [{key: None if value != value else value for key, value in cell.items()} for cell in cells]
    content = {**card.attrs, "evenly_spaced": bool(card.attrs["evenly_spaced"]), "cells": plain}
    if gates is not None:
        results = {gate.name: gate.model_dump(include={"status", "measured", "failed"}) for gate in gates.gates}
        content["physics_gates"] = results
    return json.dumps(content, indent=2, allow_nan=False)


def draw_evaluation_cards(
    archive: Path, labels: Mapping[str, str], starts: Mapping[str, Sequence[np.datetime64]], out: Path
) -> list[Path]:
    """Draw an evaluation's scorecard against each baseline that has a CRPS, beside its JSON.

    Args:
        archive: Score archive.
        labels: Names in it, by forecaster.
        starts: Init times of the evaluation that each forecaster was scored on.
        out: The JSON.

    Returns:
        The pictures; none against a baseline that was scored on too few cycles for a test.
    """
    made = []
    for name in ("linear", "climatology"):
        cycles = starts.get(name, ())
        if cycles and len(cycles) < LEAST_CYCLES:
            logger.info("No scorecard against %s: it needs %d cycles, found %d", name, LEAST_CYCLES, len(cycles))
        elif cycles:
            ours, theirs = (find_forecaster(archive, labels[one], one) for one in (MODEL, name))
            card = compare(ours, theirs, Selection(start=min(cycles), end=max(cycles), init_times=cycles))
            made.append(write_card(card, ours, theirs, out.with_name(f"{out.stem}_against_{name}.png")))
    return made


def print_card(
    card: xr.Dataset, ours: ScoredForecaster, theirs: ScoredForecaster, gates: RealismReport | None = None
) -> None:
    """Print a scorecard as triangles with percentages: the first region, or the few that were chosen.

    Args:
        card: The scorecard.
        ours: The forecaster.
        theirs: The reference.
        gates: Physics gates of the forecaster, if they were measured, which get a line.
    """
    regions = card["region"].values.tolist()
    shown = regions if len(regions) <= SHOWN_REGIONS else regions[:1]
    for region in shown:
        print_table(_region_table(card.sel(region=region)), f"{region}: change in percent, negative is better")
    mine, other = names_of(ours, theirs)
    print(f"{SCORE_WORDS[card.attrs['score_name']]}: {mine} against {other}; {origin_of(card, ours, theirs)}")
    print(
        f"▲ better, ▼ worse, significant at {SIGNIFICANT:g} by a paired t-test with AR(2) inflation, false discovery "
        f"rate over {card.attrs['tests']} tests; △ ▽ not significant"
    )
    if shown != regions:
        print(f"Further regions, with --region or in --out: {', '.join(regions[1:])}")
    if gates is not None:
        print(f"Physics gates, {gates.starts} starts from {gates.period[0]}: {gates.words}")


def gates_of(side: ScoredForecaster) -> RealismReport | None:
    """The physics gates of a forecaster, if it is a model of ours that they were measured for.

    Raises:
        InvalidDataError: The record of them is damaged.
    """
    model = side.found.about.get("model")
    return None if model is None else find_realism(home(), side.system, model)


def print_forecasters(archive: Path) -> None:
    """Print who is in a score archive."""
    table = Table()
    for name in ("forecaster", "members", "step", "cycles", "first", "last", "system"):
        table.add_column(name, no_wrap=True, justify="right" if name in ("members", "step", "cycles") else "left")
    for found in archived_forecasters(archive):
        first, last = day(found.init_times[0]), day(found.init_times[-1])
        about, cycles = found.about, str(len(found.init_times))
        step = f"{about['step_hours']} h" if "step_hours" in about else "-"
        table.add_row(found.name, about.get("members", "-"), step, cycles, first, last, about.get("named", "-"))
    print_table(table, f"Score archive {archive}")


def names_of(ours: ScoredForecaster, theirs: ScoredForecaster) -> tuple[str, str]:
    """What the two are called: as shortly as tells them apart."""
    if ours.words != theirs.words:
        return ours.words.capitalize() if ours.words == MODEL else ours.words, theirs.words
    if ours.system != theirs.system:
        return ours.system, theirs.system
    return ours.found.name, theirs.found.name


def origin_of(card: xr.Dataset, ours: ScoredForecaster, theirs: ScoredForecaster) -> str:
    """System, members and cycles in one line."""
    systems = " and ".join(dict.fromkeys(side.system for side in (ours, theirs)))
    judged = (ours,) if theirs.words in REFERENCES else (ours, theirs)
    members = dict.fromkeys(side.found.about.get("members", "") for side in judged)
    size = f", {' and '.join(members)} members" if all(number.isdigit() for number in members) else ""
    first, last = (card.attrs[name][:10] for name in ("first_init_time", "last_init_time"))
    return f"{systems}{size}  ·  {card.attrs['cycles']} cycles, {first} to {last}"


def _region_table(card: xr.Dataset) -> Table:
    leads = card["lead_time"].values
    picked = {round(index) for index in np.linspace(0, len(leads) - 1, min(SHOWN_LEADS, len(leads)))}
    shown = card.isel(lead_time=sorted(picked)).transpose("channel", "lead_time", ...)
    table = Table()
    table.add_column("channel")
    for lead in shown["lead_time"].values:
        table.add_column(f"{float(lead / np.timedelta64(1, 'D')):g} d", justify="right", no_wrap=True)
    for name in shown["channel"].values.tolist():
        row = shown.sel(channel=name)
        cells = zip(row["change"].values.tolist(), row["p_adjusted"].values.tolist(), strict=True)
        table.add_row(name, *(_cell(change, p_value) for change, p_value in cells))
    return table


def _cell(change: float, p_value: float) -> str:
    if change != change:
        return "-"
    better, significant = change < 0, p_value < SIGNIFICANT
    mark = ("▲" if better else "▼") if significant else ("△" if better else "▽")
    return f"{mark} {change:+.{0 if abs(change) >= 9.95 else 1}f}"


def _simulated(side: ScoredForecaster) -> bool:
    return is_simulated(home(), str(side.found.about.get("dataset")))
