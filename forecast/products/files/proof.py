"""Proof that a run is what was published: its files by the manifest, and the manifest by the forecast file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from data_catalog.errors import InvalidDataError
from data_catalog.layout.times import iso
from forecast.products.files.cf import HOUR
from forecast.products.files.checked import read_checked
from forecast.products.files.forecast_reading import open_forecast
from forecast.products.files.manifest import Contents, Manifest, verify_manifest
from forecast.products.files.runs import RunDirectory

MEMBER_SEEDS = "plumecast_member_seeds"
"""Global attribute of a forecast file with the seed of each member, in the order of the members."""

ANALYSIS_QUALITY = "plumecast_analysis_quality"
"""Global attribute of a forecast file with the verdict on the analyses that the members start from."""

ANALYSIS_MEMBERS = "plumecast_analysis_members"
"""Global attribute of a forecast file that started from an ensemble of analyses: its members, taken in turn."""

CONDITIONS = "plumecast_conditions"
"""Global attribute of a forecast file whose members were made to meet conditions: these, separated by semicolons."""


def described_by(forecast: Path) -> dict[str, Any]:
    """Return what a manifest says of a forecast file, as the file itself says it.

    Args:
        forecast: A forecast file of ours.

    Returns:
        `system`, `init_time`, `system_hash`, `model_id`, `data_hash`, `analysis_quality`, `analysis_members`, `seeds`,
        `conditions` and `delivered`, as in `Manifest`.

    Raises:
        InvalidDataError: It cannot be read, or lacks one of these.
    """
    with open_forecast(forecast) as stored:
        members = tuple(stored["member"].values.tolist())
        hours = (stored["lead_time"].values / HOUR).round().astype(int)
        since_1970 = int(stored["init_time"].values.astype("datetime64[ns]").astype(np.int64))
        attributes = dict(stored.attrs)
    names = ("system", "system_hash", "model_id", "data_hash")
    said = {name: _attribute(attributes, f"plumecast_{name}", forecast) for name in names}
    seeds = _attribute(attributes, MEMBER_SEEDS, forecast).split()
    if len(seeds) != len(members):
        raise InvalidDataError(f"{forecast}: expected a seed for each of {len(members)} members, found {len(seeds)}")
    starts, imposed = str(attributes.get(ANALYSIS_MEMBERS, "")), str(attributes.get(CONDITIONS, ""))
    return said | {
        "analysis_quality": attributes.get(ANALYSIS_QUALITY),
        "analysis_members": tuple(map(int, starts.split())) if starts else None,
        "conditions": tuple(imposed.split("; ")) if imposed else None,
        "init_time": iso(np.datetime64(since_1970, "ns")),
        "seeds": dict(zip(map(str, members), seeds, strict=True)),
        "delivered": Contents(members=members, lead_hours=tuple(hours.tolist())),
    }


def prove_run(directory: Path | str) -> Manifest:
    """Prove a published run: read all of its files, and compare them with the manifest, and the manifest with them.

    Args:
        directory: Run directory.

    Returns:
        The manifest.

    Raises:
        MissingDataError: The run has no manifest.
        InvalidDataError: A file is absent, unlisted or changed, or the manifest says something else than the forecast
            file; names it.
    """
    run = RunDirectory.at(directory)
    manifest = verify_manifest(run.path)
    for name, entry in (manifest.retired or {}).items():
        if (run.path / name).exists():
            raise InvalidDataError(f"{run.path / name}: expected none, retired on {entry.retired}, found it")
    prove_manifest(manifest, run, str(run.manifest))
    checked = read_checked(run.checks)
    if manifest.checks != (None if checked is None else checked.outcomes()):
        raise InvalidDataError(
            f"{run.manifest}: changed since it was published, its checks are not those of {run.checks.name}"
        )
    return manifest


def prove_manifest(manifest: Manifest, run: RunDirectory, where: str) -> None:
    """Prove that a manifest says of its forecast file what the file itself says, unless that is retired.

    Args:
        manifest: The manifest.
        run: The run, or a directory like it that has the forecast file.
        where: Path or URL of the manifest; errors start with it.

    Raises:
        InvalidDataError: It says something else, or does not list forecast and products.
    """
    retired = manifest.retired or {}
    for needed in (run.forecast, run.products):
        if needed.name not in {**manifest.files, **retired}:
            raise InvalidDataError(f"{where}: expected {needed.name} among its files, found it missing there")
    for name, expected in ({} if run.forecast.name in retired else described_by(run.forecast)).items():
        if (found := getattr(manifest, name)) != expected:
            raise InvalidDataError(
                f"{where}: changed since it was published, expected {name} {_brief(expected)} of "
                f"{run.forecast.name}, found {_brief(found)}"
            )
    if manifest.expected != manifest.delivered:
        raise InvalidDataError(f"{where}: changed since it was published, its expected contents are others")


def _attribute(attributes: Mapping[str, Any], name: str, forecast: Path) -> str:
    if not isinstance(attributes.get(name), str):
        raise InvalidDataError(f"{forecast}: expected the global attribute {name}, found none")
    return str(attributes[name])


def _brief(value: object) -> str:
    """What a manifest holds in at most a few words."""
    if isinstance(value, Contents):
        return f"{len(value.members)} members, leads {', '.join(map(str, value.lead_hours))} h"
    text = str(value)
    return text if len(text) <= 40 else f"{text[:12]}…"
