"""Artifacts of a flow run in the Prefect UI: what a run holds and where, one small figure, tables.

Prefect stores an artifact up to four times, in its tables and in its events, so that figures stay in the run directory.
"""

import base64
import re
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path

from PIL import Image
from prefect.artifacts import create_markdown_artifact, create_table_artifact

from forecast.products.files.runs import RunDirectory
from forecast.verification.evaluation_report import EvaluationReport
from pipelines.scoring.tables import header, markdown_table, rows

SHOWN_WIDTH = 360


def embedded(plot: Path) -> str:
    """Return a small copy of a figure as a data URL, which the UI can show without access to the run directory."""
    with Image.open(plot) as picture:
        height = round(picture.height * SHOWN_WIDTH / picture.width)
        small = picture.convert("RGB").resize((SHOWN_WIDTH, height), Image.Resampling.LANCZOS)
    content = BytesIO()
    small.save(content, "JPEG", quality=60, optimize=True)
    return f"data:image/jpeg;base64,{base64.b64encode(content.getvalue()).decode('ascii')}"


def show_scores(name: str, evaluation: EvaluationReport) -> None:
    """Make the score table an artifact, as a sortable table and as Markdown."""
    names = header(evaluation)
    table = [dict(zip(names, row, strict=True)) for row in rows(evaluation)]
    create_table_artifact(table, key=_key(f"{name}-scores"), description=f"Scores of {name}")
    create_markdown_artifact(
        markdown_table(evaluation), key=_key(f"{name}-score-table"), description=f"Scores of {name}"
    )


def show_run(name: str, run: RunDirectory, heading: Path | None = None) -> None:
    """Make an artifact that names the directory and the files of a run.

    Args:
        name: Name of the system.
        run: The published run.
        heading: Figure that is shown small; None for none.
    """
    files = "\n".join(f"- `{path.relative_to(run.path)}`" for path in sorted(run.path.rglob("*")) if path.is_file())
    picture = "" if heading is None else f"![{heading.stem}]({embedded(heading)})\n\n"
    content = f"{picture}Run `{run.path}`, page [{run.report.name}]({run.report.as_uri()})\n\n{files}\n"
    create_markdown_artifact(content, key=_key(f"{name}-run"), description=f"Files of {run.path.name}")


def show_months(name: str, table: Sequence[Mapping[str, str | int]]) -> None:
    """Make an artifact of what an ingest brought, month by month.

    Args:
        name: Name of the dataset.
        table: A row for each month.
    """
    rows_shown = [dict(row) for row in table]
    create_table_artifact(rows_shown, key=_key(f"{name}-months"), description=f"Months of {name}")


def _key(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
