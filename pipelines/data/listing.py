"""Prints the catalogue on a terminal."""

import json
from pathlib import Path
from typing import Any

from data_catalog.archive.state import inspect_archive
from data_catalog.catalog import DatasetEntry
from data_catalog.errors import ConfigurationError, InvalidDataError, PlumecastError, without_secrets
from data_catalog.layout.times import day, iso
from pipelines.workspace.datasets import find_dataset, known_names
from pipelines.workspace.home import Home


def print_datasets(home: Home) -> None:
    """Print a table of the datasets: name, archive, kind of weather, title."""
    for name in known_names(home):
        try:
            entry = find_dataset(home, name)
        except ConfigurationError as error:
            print(f"{name:17} {'broken file':28}{'':20}{error}")
            continue
        print(f"{name:17} {archive_summary(home.archive(name)):28}{kind_of_weather(entry):20}{entry.title}")


def datasets_as_json(home: Home) -> str:
    """Return the datasets as a JSON list: name, title, archive, kind of weather, channels, step and period.

    A dataset whose file is broken has its name and the error alone.
    """
    return json.dumps([_as_json(home, name) for name in known_names(home)], indent=1)


def _as_json(home: Home, name: str) -> dict[str, Any]:
    try:
        entry = find_dataset(home, name)
    except ConfigurationError as error:
        return {"name": name, "error": str(error)}
    content = entry.model_dump(mode="json", include={"name", "title", "channels", "static", "step_hours"})
    period = {"period_start": str(entry.period_start), "period_end": entry.period_end and str(entry.period_end)}
    return content | period | {"simulated": entry.simulated, "archive": archive_summary(home.archive(name))}


def print_dataset(home: Home, name: str, *, deep: bool) -> None:
    """Print one dataset and the state of its archive.

    Args:
        home: The home directory.
        name: Name of the dataset.
        deep: Whether to read every chunk of the archive.

    Raises:
        ConfigurationError: There is no such dataset.
        InvalidDataError: The archive is not sound; raised after everything else has been printed.
    """
    entry = find_dataset(home, name)
    for label, value in (
        ("dataset", entry.name),
        ("title", entry.title),
        ("kind", kind_of_weather(entry)),
        (
            "source",
            without_secrets(entry.location or "")
            or (entry.source if entry.source == "bundled" else "your own: --source PATH_OR_URL"),
        ),
        ("period", f"{entry.period_start} to {entry.period_end or 'today'}, every {entry.step_hours} h"),
        ("channels", ", ".join((*entry.channels, *entry.static))),
        ("licence", entry.licence),
        ("references", ", ".join(entry.references)),
        ("description", entry.description),
    ):
        print(f"{label:12} {value}")
    archive = home.archive(entry.name)
    if archive.exists():
        print(f"{'archive':12} {archive}")
        _print_state(archive, deep=deep)
    else:
        print(f"{'archive':12} none yet; make it with 'plumecast ingest {entry.name}'")


def _source(entry: DatasetEntry) -> str:
    if entry.location is not None:
        return without_secrets(entry.location)
    return entry.source if entry.source == "bundled" else "your own: --source PATH_OR_URL"


def kind_of_weather(entry: DatasetEntry) -> str:
    """Return `real weather` or `simulated weather`."""
    return "simulated weather" if entry.simulated else "real weather"


def archive_summary(archive: Path) -> str:
    """Describe the state of an archive in a few words."""
    if not archive.exists():
        return "none"
    try:
        state = inspect_archive(archive, deep=False)
    except PlumecastError:
        return "broken"
    if state.last_time is None:
        return "empty"
    faults = f", {state.holes.size} holes, {len(state.faults)} faults" if state.holes.size or state.faults else ""
    return f"{state.times.size} times to {day(state.last_time)}{faults}"


def _print_state(archive: Path, *, deep: bool) -> None:
    state = inspect_archive(archive, deep=deep)
    span = "" if state.first_time is None else f", {iso(state.first_time)} to {iso(state.times[-1])}"
    print(f"{'times':12} {state.times.size}{span}")
    print(f"{'holes':12} {', '.join(iso(time) for time in state.holes) or 'none'}")
    print(f"{'identity':12} {state.identity}")
    checked = "every chunk read" if deep else f"'plumecast archive verify {state.dataset}' reads every byte"
    print(f"{'faults':12} {len(state.faults) or 'none'} ({checked})")
    for fault in state.faults:
        print(f"{'':12} {fault}")
    if state.faults:
        way_out = f"'plumecast archive heal {state.dataset}' mends them"
        raise InvalidDataError(f"archive {archive}: expected no faults, found {len(state.faults)}; {way_out}")
