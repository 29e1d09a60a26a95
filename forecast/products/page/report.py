"""The page of a run, a self-contained HTML file: figures, scores, provenance and files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from data_catalog.catalog import DatasetEntry
from data_catalog.layout.times import minute
from forecast.products.files.forecast_reading import open_forecast
from forecast.products.files.manifest import file_hash
from forecast.products.files.runs import RunDirectory
from forecast.products.page.rendering import as_data_url, size_words, write_page
from forecast.products.page.score_tables import score_tables
from forecast.products.plots.diagnostics import Scores
from forecast.products.plots.figures import Caption, clock
from forecast.products.plots.pictures import caption_of
from forecast.products.plots.styles import title_of

PICTURE_WORDS = {
    "map": "Ensemble mean and spread of {}",
    "stamps": "All members: {}",
    "plume": "Plume for {}",
    "skill": "Skill and spread by lead time",
    "ranks": "Rank of the analysis in the ensemble: {}",
}
IDENTITIES = {"model_id": "model", "system_hash": "system", "data_hash": "analysis"}


@dataclass(frozen=True)
class Picture:
    """An embedded figure.

    Attributes:
        kind: First part of its file name, such as `map`.
        words: Description of what it shows.
        link: Path of the file, relative to the page.
        source: The image, as a data URL.
    """

    kind: str
    words: str
    link: str
    source: str


@dataclass(frozen=True)
class LinkedFile:
    """A file of the run that the page links to.

    Attributes:
        link: Path of the file, relative to the page.
        what: Description of its content.
        size: Size as text; empty if it is not shown.
        sha256: SHA-256; empty if it is not shown.
    """

    link: str
    what: str
    size: str
    sha256: str


def write_report(
    run: Path | str, *, title: str, data: DatasetEntry, pictures: Sequence[Path], scores: Scores | None = None
) -> Path:
    """Write the page of a run as one HTML file that embeds its figures and loads nothing from a network.

    Args:
        run: Run directory with its forecast file; it need not have a manifest yet.
        title: Title of the system.
        data: Dataset of the analysis that the members started from.
        pictures: Figures in the run's `plots` directory, in the order of the page.
        scores: Scores by forecaster, channel, score and lead hours, as in an evaluation file; None before verification.

    Returns:
        Path of the page.
    """
    directory = RunDirectory.at(run)
    with open_forecast(directory.forecast, chunked=False) as forecast:
        caption = caption_of(forecast, title=title, simulated=data.simulated)
        attributes = {str(name): str(value) for name, value in forecast.attrs.items()}
        content = _forecast_content(forecast, caption)
        seeds = _seeds(attributes, forecast["member"].values.tolist())
    content |= {
        "run": directory,
        "pictures": [_picture(path) for path in pictures],
        "tables": score_tables(scores or {}, content["names"]),
        "provenance": _provenance(attributes, data),
        "seeds": seeds,
        "files": _files(directory),
    }
    return write_page(directory.report, "report.html.j2", content)


def _forecast_content(forecast: xr.Dataset, caption: Caption) -> dict[str, Any]:
    """Collect the content of the page about the forecast."""
    leads = forecast["lead_time"].values
    names = [str(name) for name in forecast.data_vars]
    return {
        "caption": caption,
        "init": clock(caption.init_time),
        "init_iso": minute(caption.init_time),
        "first_valid": clock(caption.init_time + leads[0]),
        "last_valid": clock(caption.init_time + leads[-1]),
        "lead": _duration(leads[-1]),
        "facts": _facts(forecast, caption),
        "names": names,
        "channels": [title_of(name) for name in names],
        "example_member": int(forecast["member"].values[-1]),
    }


def _facts(forecast: xr.Dataset, caption: Caption) -> list[tuple[str, str]]:
    latitude = forecast["latitude"].values
    step = f"{float(np.median(np.diff(latitude))):.4g}°" if latitude.size > 1 else "a point"
    leads = forecast["lead_time"].values
    return [
        (str(caption.members), "members" if caption.members > 1 else "member"),
        (f"{float(leads[-1] / np.timedelta64(1, 'D')):g}", "days ahead"),
        (str(len(forecast.data_vars)), "fields" if len(forecast.data_vars) > 1 else "field"),
        (step, f"grid, {latitude.size} × {forecast.sizes['longitude']} points"),
    ]


def _picture(path: Path) -> Picture:
    kind, _, subject = path.stem.partition("_")
    words = PICTURE_WORDS.get(kind, path.stem).format(_subject(kind, subject))
    return Picture(kind, words, f"plots/{path.name}", as_data_url(path))


def _subject(kind: str, subject: str) -> str:
    if kind == "plume" or not subject:
        return subject.replace("_", " ").title()
    title = title_of(subject)
    return title[0].lower() + title[1:]


def _provenance(attributes: Mapping[str, str], data: DatasetEntry) -> list[tuple[str, str]]:
    rows = [
        ("Initial conditions", data.title),
        ("Licence of the data", data.licence),
        ("References", ", ".join(data.references) or attributes.get("references", "")),
        ("Source", attributes.get("source", "")),
        ("History", attributes.get("history", "")),
    ]
    rows += [(f"SHA-256 of the {words}", attributes.get(f"plumecast_{key}", "")) for key, words in IDENTITIES.items()]
    return [(words, value) for words, value in rows if value]


def _seeds(attributes: Mapping[str, str], members: Sequence[int]) -> list[tuple[str, str]]:
    seeds = attributes.get("plumecast_member_seeds", "").split()
    return [(str(member), seed) for member, seed in zip(members, seeds, strict=bool(seeds))]


def _files(run: RunDirectory) -> list[LinkedFile]:
    known = (
        (run.forecast, "all members at all lead times, CF-1.11 NetCDF"),
        (run.products, "mean, spread, quantiles and probabilities, CF-1.11 NetCDF"),
        (run.scores, "scores of this run, JSON"),
    )
    rows = [
        LinkedFile(path.name, what, size_words(path.stat().st_size), file_hash(path))
        for path, what in known
        if path.exists()
    ]
    if run.zarr.exists():
        stored = sum(path.stat().st_size for path in run.zarr.rglob("*") if path.is_file())
        rows.append(
            LinkedFile(
                run.zarr.name, "all members at all lead times, WeatherBench2-layout Zarr", size_words(stored), ""
            )
        )
    return [*rows, LinkedFile(run.manifest.name, "size and SHA-256 of every file of the run", "", "")]


def _duration(lead_time: np.timedelta64) -> str:
    """Format a lead time as on the command line: `10d`, or `36h` if it is not a whole number of days."""
    hours = round(float(lead_time / np.timedelta64(1, "h")))
    return f"{hours // 24}d" if hours % 24 == 0 else f"{hours}h"
