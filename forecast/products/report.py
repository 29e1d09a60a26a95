"""The page of a run: one HTML file that needs nothing else and can be sent to anyone."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import xarray as xr

from data_catalog.layout.times import minute
from data_catalog.storage.atomic_files import write_durably
from forecast.products.files.forecast_reading import open_forecast
from forecast.products.files.manifest import file_hash
from forecast.products.files.runs import RunDirectory
from forecast.products.plots.diagnostics import MODEL, Scores
from forecast.products.plots.figures import Caption, clock
from forecast.products.plots.pictures import caption_of
from forecast.products.plots.styles import style_of, title_of

TABLE_LEADS = 6
TABLED_SCORES = (("crps", "fair CRPS"), ("rmse", "RMSE of the mean"))
PLAIN_UNITS = {"m s$^{-1}$": "m/s", "g kg$^{-1}$": "g/kg"}
PICTURES = (
    ("map", "Ensemble mean and spread of {}"),
    ("stamps", "Every member: {}"),
    ("plume", "Plume at {}"),
    ("skill", "Skill and spread by lead"),
    ("ranks", "Rank of the analysis among the members: {}"),
)
IDENTITIES = {
    "model_id": "model",
    "system_hash": "system",
    "data_hash": "analysis",
}


@dataclass(frozen=True)
class Picture:
    """An embedded picture."""

    kind: str
    words: str
    link: str
    source: str


@dataclass(frozen=True)
class ScoreRow:
    """One system in a table of scores; `values` has a text for each lead, `best` says where it leads the others."""

    system: str
    values: tuple[str, ...]
    best: tuple[bool, ...]


@dataclass(frozen=True)
class ScoreTable:
    """One channel's table of scores."""

    title: str
    leads: tuple[str, ...]
    groups: tuple[tuple[str, tuple[ScoreRow, ...]], ...]
    spread_skill: tuple[str, ...]


@dataclass(frozen=True)
class LinkedFile:
    """A file of the run."""

    link: str
    what: str
    size: str
    sha256: str


def write_report(
    run: Path | str,
    *,
    scores: Scores | None = None,
    pictures: Sequence[Path] | None = None,
    title: str | None = None,
    simulated: bool | None = None,
    data_title: str = "",
    data_licence: str = "",
    data_references: Sequence[str] = (),
    seeds: Sequence[str] | Mapping[str, str] = (),
    provenance: Mapping[str, str] | None = None,
) -> Path:
    """Write the page of a run from its forecast file, its pictures and its scores.

    The page holds its pictures and asks the network for nothing; links lead to the files beside it.

    Args:
        run: Run directory; a manifest need not be there yet.
        scores: The `scores` table of an evaluation file; None while the run cannot be verified.
        pictures: Those shown, in this order; all of the run's `plots` when None.
        title: Of the system; its name when None.
        simulated: Whether to say that the weather is simulated; what the file's title says when None.
        data_title: What the members started from.
        data_licence: Licence of that data.
        data_references: Where it is described.
        seeds: Per member, in the members' order or by number; the file's own when empty.
        provenance: Further rows, besides what the forecast file says of itself.

    Returns:
        The page.
    """
    directory = RunDirectory.at(run)
    with open_forecast(directory.forecast, chunked=False) as forecast:
        caption = caption_of(forecast, directory.system_name, title=title, simulated=simulated)
        attributes = {str(name): str(value) for name, value in forecast.attrs.items()}
        content = _forecast_content(forecast, caption)
        own_seeds = _seeds(attributes, seeds, forecast["member"].values.tolist())
    content |= {
        "run": directory,
        "pictures": _pictures(directory, pictures),
        "tables": score_tables(scores or {}, content["names"]),
        "provenance": _provenance(attributes, data_title, data_licence, data_references, provenance or {}),
        "seeds": own_seeds,
        "files": _files(directory),
        "release": version("plumecast"),
    }
    page = _environment().get_template("report.html.j2").render(content)
    return write_durably(directory.report, page)


def _forecast_content(forecast: xr.Dataset, caption: Caption) -> dict[str, Any]:
    """What the page says of the forecast itself."""
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


def score_tables(scores: Scores, order: Sequence[str]) -> list[ScoreTable]:
    """Scores of the model and of each baseline by channel and lead, in shown units; the smallest is marked."""
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
    """A row for each system that has the score, the model first, in the channel's shown unit."""
    factor = style_of(name).factor
    values: dict[str, list[float]] = {}
    for system in sorted(scores, key=lambda each: (each != MODEL, each)):
        by_lead = scores[system].get(name, {}).get(score, {})
        found = [np.nan if by_lead.get(lead) is None else float(by_lead[lead]) * factor for lead in leads]
        if np.isfinite(found).any():
            values[system] = found
    known = [value for row in values.values() for value in row if np.isfinite(value)]
    digits = _digits(known)
    smallest = [
        min((value for value in column if np.isfinite(value)), default=np.nan)
        for column in zip(*values.values(), strict=True)
    ]
    return tuple(
        ScoreRow(
            system.capitalize(),
            tuple(f"{value:.{digits}f}" if np.isfinite(value) else "–" for value in row),
            tuple(bool(value <= best) for value, best in zip(row, smallest, strict=True)),
        )
        for system, row in values.items()
    )


def _digits(values: Sequence[float]) -> int:
    """Decimals that leave three digits of the largest value."""
    largest = max((abs(value) for value in values), default=1.0)
    return int(np.clip(2 - np.floor(np.log10(max(largest, 1e-9))), 0, 6))


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


def _pictures(run: RunDirectory, pictures: Sequence[Path] | None) -> list[Picture]:
    paths = sorted(run.plots.glob("*.png"), key=_picture_order) if pictures is None else list(pictures)
    found = []
    for path in paths:
        kind, _, subject = path.stem.partition("_")
        words = dict(PICTURES).get(kind, path.stem)
        data = base64.b64encode(path.read_bytes()).decode("ascii")
        shown = _subject(kind, subject)
        found.append(Picture(kind, words.format(shown), f"plots/{path.name}", f"data:image/png;base64,{data}"))
    return found


def _picture_order(path: Path) -> tuple[int, str]:
    kinds = [kind for kind, _ in PICTURES]
    kind = path.stem.partition("_")[0]
    return (kinds.index(kind) if kind in kinds else len(kinds), path.name)


def _subject(kind: str, subject: str) -> str:
    if kind == "plume" or not subject:
        return subject.replace("_", " ").title()
    title = title_of(subject)
    return title[0].lower() + title[1:]


def _provenance(
    attributes: Mapping[str, str], data_title: str, data_licence: str, data_references: Sequence[str],
    further: Mapping[str, str],
) -> list[tuple[str, str]]:  # fmt: skip
    rows = [
        ("Started from", data_title),
        ("Licence of the data", data_licence),
        ("References", ", ".join(data_references) or attributes.get("references", "")),
        ("Source", attributes.get("source", "")),
        ("Made", attributes.get("history", "")),
    ]
    for key, words in IDENTITIES.items():
        value = attributes.get(f"plumecast_{key}", attributes.get(key, ""))
        rows.append((f"sha256 of the {words}", value))
    rows += list(further.items())
    return [(words, value) for words, value in rows if value]


def _seeds(
    attributes: Mapping[str, str], seeds: Sequence[str] | Mapping[str, str], members: Sequence[int]
) -> list[tuple[str, str]]:
    if isinstance(seeds, Mapping):
        return [(str(member), str(seed)) for member, seed in seeds.items()]
    own = attributes.get("plumecast_member_seeds", attributes.get("member_seeds", "")).split()
    return [(str(member), seed) for member, seed in zip(members, list(seeds) or own, strict=False)]


def _files(run: RunDirectory) -> list[LinkedFile]:
    known = (
        (run.forecast, "all members at all leads, CF-1.11 NetCDF"),
        (run.products, "mean, spread, quantiles and probabilities, CF-1.11 NetCDF"),
        (run.scores, "scores of this run, JSON"),
    )
    rows = [
        LinkedFile(path.name, what, _size(path.stat().st_size), file_hash(path))
        for path, what in known
        if path.exists()
    ]
    return [*rows, LinkedFile(run.manifest.name, "size and sha256 of every file of the run", "", "")]


def _duration(lead_time: np.timedelta64) -> str:
    """A lead as the command line reads it: `10d`, or `36h` where it is no whole number of days."""
    hours = round(float(lead_time / np.timedelta64(1, "h")))
    return f"{hours // 24}d" if hours % 24 == 0 else f"{hours}h"


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 1e5 else f"{count / 1e3:.1f} kB"


def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
