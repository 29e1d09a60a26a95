"""Scores at stations as JSON, and as a table on the terminal."""

import dataclasses
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.table import Table

from data_catalog.storage.atomic_files import write_durably
from forecast.verification.station_checks import CheckedObservations
from forecast.verification.station_scores import ScoresByLead, StationScores
from pipelines.scoring.tables import print_table

FORECASTERS = ("raw", "emos", "mbm")
"""Keys of a report that hold scores."""


def scores_json(scores: ScoresByLead) -> dict[str, Any]:
    """Return scores as plain values: those over all cases, and `by_lead`, by lead hours.

    Args:
        scores: The scores.
    """
    by_lead = {f"{lead:g}": _plain(each) for lead, each in scores.by_lead.items()}
    return _plain(scores.pooled) | {"by_lead": by_lead}


def checks_json(checked: CheckedObservations | None) -> dict[str, Any]:
    """Return what the checks of observations found as plain values.

    Args:
        checked: What they found; None if they could not be made.
    """
    if checked is None:
        return {"checked": 0, "left_out": 0}
    return {
        "checked": checked.checked,
        "left_out": checked.left_out,
        "measured": checked.measured,
        "suspect": checked.suspect,
    }


def report_text(report: Mapping[str, Any]) -> str:
    """Return a report as JSON text.

    Args:
        report: Of one quantity, or of several by name.
    """
    return json.dumps(report, indent=1, allow_nan=False)


def write_report(report: Mapping[str, Any], path: Path) -> Path:
    """Write a report as JSON.

    Args:
        report: Of one quantity, or of several by name.
        path: The file.
    """
    return write_durably(path, report_text(report) + "\n")


def print_report(report: Mapping[str, Any]) -> None:
    """Print scores at stations as tables: all cases, and a few lead times.

    Args:
        report: Of one quantity, or of several by name.
    """
    for each in [report] if "raw" in report else list(report.values()):
        names = [name for name in FORECASTERS if name in each]
        table = Table()
        for title in ("lead", "cases", *(f"{name} {score}" for name in names for score in ("CRPS", "spread/skill"))):
            table.add_column(title, justify="right", no_wrap=True)
        for lead in ["all", *_few(list(each["raw"]["by_lead"]))]:
            found = [each[name] if lead == "all" else each[name]["by_lead"].get(lead, {}) for name in names]
            cells = [_cell(one.get(score)) for one in found for score in ("crps", "spread_skill")]
            table.add_row(lead if lead == "all" else f"{lead} h", str(found[0].get("cases", "")), *cells)
        checks = each["observations"]
        print_table(
            table,
            f"{each['quantity']} [{each['units'] or 'units not stated'}] at {each['stations']} stations; "
            f"{checks['left_out']} of {checks['checked']} observations left out as gross errors",
        )


def _plain(scores: StationScores) -> dict[str, Any]:
    return {
        name: [round(share, 5) for share in value] if isinstance(value, tuple) else _number(value)
        for name, value in dataclasses.asdict(scores).items()
    }


def _number(value: float) -> float | int | None:
    if isinstance(value, int):
        return value
    return float(f"{value:.6g}") if math.isfinite(value) else None


def _cell(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _few(leads: list[str]) -> list[str]:
    chosen = leads[:: max(1, len(leads) // 8)]
    return chosen if not leads or chosen[-1] == leads[-1] else [*chosen, leads[-1]]
