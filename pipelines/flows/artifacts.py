"""Artifacts of a flow run in the Prefect UI: figures and tables."""

import base64
import re
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path

from PIL import Image
from prefect.artifacts import create_image_artifact, create_markdown_artifact, create_table_artifact

from forecast.verification.evaluation_report import EvaluationReport
from pipelines.scoring.tables import header, markdown_table, rows

SHOWN_WIDTH = 1000


def show_plots(name: str, plots: Sequence[Path]) -> None:
    """Make each figure an artifact."""
    for plot in plots:
        description = f"{plot.stem} of {plot.parent.parent.name}"
        create_image_artifact(embedded(plot), key=_key(f"{name}-{plot.stem}"), description=description)


def embedded(plot: Path) -> str:
    """Return a small copy of a figure as a data URL, which the UI can show without access to the run directory."""
    with Image.open(plot) as picture:
        height = round(picture.height * SHOWN_WIDTH / picture.width)
        small = picture.convert("RGB").resize((SHOWN_WIDTH, height), Image.Resampling.LANCZOS)
    content = BytesIO()
    small.save(content, "JPEG", quality=85)
    return f"data:image/jpeg;base64,{base64.b64encode(content.getvalue()).decode('ascii')}"


def show_scores(name: str, evaluation: EvaluationReport) -> None:
    """Make the score table an artifact, as a sortable table and as Markdown."""
    names = header(evaluation)
    table = [dict(zip(names, row, strict=True)) for row in rows(evaluation)]
    create_table_artifact(table, key=_key(f"{name}-scores"), description=f"Scores of {name}")
    create_markdown_artifact(
        markdown_table(evaluation), key=_key(f"{name}-score-table"), description=f"Scores of {name}"
    )


def show_run(name: str, run: Path) -> None:
    """Make an artifact that names the directory and the files of a run."""
    files = "\n".join(f"- `{path.relative_to(run)}`" for path in sorted(run.rglob("*")) if path.is_file())
    create_markdown_artifact(f"Run `{run}`\n\n{files}\n", key=_key(f"{name}-run"), description=f"Files of {run.name}")


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
