"""Physics gates as a table, Markdown, figure and files, and as they are remembered beside a checkpoint."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from rich.table import Table

from data_catalog.errors import ConfigurationError
from data_catalog.storage.atomic_files import write_durably
from forecast.products.plots.figures import Heading
from forecast.products.plots.realism import GateTable, plot_gates
from forecast.system.system import System
from forecast.verification.realism.gates import Gate
from forecast.verification.realism.judging import ANY
from forecast.verification.realism.report import REALISM_FILE, RealismReport, write_realism
from pipelines.scoring.tables import print_table
from pipelines.workspace.checkpoints import shipped_checkpoint

SHOWN_FAILURES = 12
HEADER = ("gate", "result", "figures", "beyond limits", "worst figure, and its limits")
_LAST = "lead_time"
_MOMENTS = {"rank": "mean rank of the analysis (0.5)", "dispersion": "dispersion of its ranks (1)"}


def write_outputs(report: RealismReport, system: System, checkpoint: Path, directory: Path) -> list[Path]:
    """Write the gates as JSON, Markdown and a figure, and as JSON beside the checkpoint, too, unless it is shipped.

    Args:
        report: The gates.
        system: The system.
        checkpoint: Directory of the model.
        directory: Where to write, made if it is not there.

    Returns:
        The files.

    Raises:
        ConfigurationError: There can be no such directory.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(f"--out {directory}: expected a directory, found {error.strerror}") from None
    written = [write_realism(report, directory / REALISM_FILE)]
    written.append(write_durably(directory / "realism.md", realism_markdown(report)))
    if tables := list(gate_tables(report)):
        heading = Heading(_origin(report), system.entry.simulated)
        title = f"{system.title}: physics gates"
        written.append(plot_gates(tables, directory / "realism.png", title=title, heading=heading))
    if checkpoint.resolve() not in (shipped_checkpoint(system.name).resolve(), directory.resolve()):
        written.append(write_realism(report, checkpoint / REALISM_FILE))
    return written


def print_realism(report: RealismReport) -> None:
    """Print the gates as a table.

    Args:
        report: The gates.
    """
    table = Table()
    for index, name in enumerate(HEADER):
        table.add_column(name, justify="right" if index in (2, 3) else "left", overflow="fold")
    for row in _rows(report):
        table.add_row(*row)
    print_table(table, f"Physics gates of {report.system}, model {report.model_id[:8]}: {_origin(report)}")
    print(report.words)


def realism_markdown(report: RealismReport) -> str:
    """Return the gates as a Markdown table, with the figures beyond their limits.

    Args:
        report: The gates.
    """
    start, end = report.limits_from
    lines = [
        f"# Physics gates of {report.system}",
        "",
        f"Model {report.model_id[:8]}; {_origin(report)}. Limits from the weather of {start} to {end}: a perfect "
        "ensemble fails a gate with probability 0.01 at most.",
        "",
        "| " + " | ".join(HEADER) + " |",
        "|---" * len(HEADER) + "|",
        *("| " + " | ".join(row) + " |" for row in _rows(report)),
    ]
    for record in report.gates:
        failures = record.gate().failures
        if failures:
            lines += ["", f"## {record.name}: {record.title}", ""]
            lines += [f"- {each.words}" for each in failures[:SHOWN_FAILURES]]
            lines += [f"- and {len(failures) - SHOWN_FAILURES} more"] if len(failures) > SHOWN_FAILURES else []
    return "\n".join(lines) + "\n"


def gate_tables(report: RealismReport) -> Iterator[GateTable]:
    """Yield the gates that have figures as tables to draw; ranks as one table of their means and one of dispersion.

    Args:
        report: The gates.
    """
    for record in report.gates:
        gate, result = record.gate(), f"{record.failed} of {record.measured} beyond limits"
        if record.name != "ranks":
            if gate.figures:
                yield _table(gate, f"{record.name}: {record.status}, {result}", record.title)
            continue
        for moment, words in _MOMENTS.items():
            chosen = [each for each in gate.figures if each.of["moment"] == moment]
            if chosen:
                part = Gate(gate.name, gate.title, chosen)
                failed = f"{len(part.failures)} of {len(chosen)} beyond limits"
                title = f"ranks: {part.status}, {failed}"
                yield _table(part, title, f"{words}, by region and by regime of the start")


def _table(gate: Gate, title: str, measure: str) -> GateTable:
    placed = {_place(each.of): each for each in gate.figures}
    rows, groups, columns = (list(dict.fromkeys(place[axis] for place in placed)) for axis in range(3))
    columns.sort(key=_hours)
    shape = len(rows), len(groups), len(columns)
    values, off = (np.full(shape, np.nan) for _ in range(2))
    for (row, group, column), figure in placed.items():
        at = rows.index(row), groups.index(group), columns.index(column)
        values[at], off[at] = figure.value, figure.off
    return GateTable(title, measure, rows, groups, columns, values, off)


def _place(of: Mapping[str, str]) -> tuple[str, str, str]:
    """Row, group of columns and column of a figure."""
    row = " ".join(of[dim] for dim in ("level", "part", "channel", "layer") if dim in of)
    region = of.get("region", "")
    group = of.get("band", "") or (region if of.get("regime", ANY) == ANY else f"{of['regime']} start")
    return row, group, _days(of.get(_LAST, ""))


def _days(lead: str) -> str:
    hours = float(lead.removesuffix(" h")) if lead else 0.0
    return f"{hours / 24:g} d" if hours % 24 == 0 and hours else f"{hours:g} h"


def _hours(words: str) -> float:
    number, unit = words.split()
    return float(number) * (24 if unit == "d" else 1)


def _rows(report: RealismReport) -> Iterator[tuple[str, ...]]:
    for record in report.gates:
        worst = record.gate().worst
        words = record.reason if worst is None else worst.words
        yield record.name, record.status, str(record.measured), str(record.failed), words or "nothing was measured"


def _origin(report: RealismReport) -> str:
    first, last = report.period
    return f"{report.starts} starts from {first} to {last}, {report.members} members"
