"""Examines what this machine can do, and what is missing."""

import importlib.metadata
import json
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from data_catalog.cores import usable_cores
from data_catalog.errors import PlumecastError
from pipelines.terminal.parts import PARTS, Part
from pipelines.workspace.home import Home

Verdict = Literal["ok", "warn", "missing", "broken"]
GIB = 1024**3


@dataclass(frozen=True)
class Finding:
    """The result of one check.

    Attributes:
        verdict: `missing` for a part that is not installed, `broken` if nothing works until it is fixed.
        subject: What was checked.
        found: What was found.
        remedy: What to do about it; empty if there is nothing to do.
    """

    verdict: Verdict
    subject: str
    found: str
    remedy: str = ""


def examine(home: Home) -> list[Finding]:
    """Check everything that Plumecast needs; a check that raises an error is reported as a finding.

    Args:
        home: The home directory to check.
    """
    checks: list[tuple[str, Callable[[], list[Finding]]]] = [
        ("python", _python),
        ("torch", _torch),
        ("prefect", _prefect),
        ("eccodes", _eccodes),
        ("memory", _memory),
        ("disk", lambda: _disk(home)),
        ("coastlines", _coastlines),
        ("systems", lambda: _checkpoints(home)),
        ("archives", lambda: _archives(home)),
    ]
    findings: list[Finding] = []
    for subject, check in checks:
        try:
            findings += check()
        except Exception as error:
            findings.append(Finding("broken", subject, f"{type(error).__name__}: {error}", "report this"))
    return findings


def print_findings(findings: list[Finding]) -> None:
    """Print a line for each finding."""
    for finding in findings:
        remedy = f"  -> {finding.remedy}" if finding.remedy else ""
        print(f"{finding.verdict:8}{finding.subject:25} {finding.found}{remedy}")


def findings_as_json(findings: list[Finding]) -> str:
    """Return the findings as a JSON list of objects with verdict, subject, found and remedy."""
    return json.dumps([asdict(finding) for finding in findings], indent=1)


def nothing_broken(findings: list[Finding]) -> bool:
    """Return whether Plumecast works."""
    return all(finding.verdict != "broken" for finding in findings)


def _python() -> list[Finding]:
    found = sys.version.split()[0]
    if (3, 11) <= sys.version_info[:2] < (3, 14):
        return [Finding("ok", "python", found)]
    return [Finding("broken", "python", found, "use Python 3.11, 3.12 or 3.13")]


def _torch() -> list[Finding]:
    found = _part("model", "torch")
    if found.verdict == "missing":
        return [found]
    import torch

    threads = f"{found.found}, {torch.get_num_threads()} threads of {usable_cores()} cores"
    gpu = "none; everything runs on the CPU, large trainings slowly"
    if torch.cuda.is_available():
        gpu = ", ".join(torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count()))
    return [Finding(found.verdict, found.subject, threads, found.remedy), Finding("ok", "gpu", gpu)]


def _prefect() -> list[Finding]:
    found = _part("flows", "prefect")
    if found.verdict != "ok":
        return [found]
    from pipelines.flows.environment import configured_address

    address = configured_address()
    if address is None:
        return [Finding("ok", "prefect", f"{found.found}, no server set up: one is started when needed")]
    from pipelines.flows.server import answers

    if answers(address):
        return [Finding("ok", "prefect", f"{found.found}, {address} answers")]
    remedy = "start the server, or unset PREFECT_API_URL"
    return [Finding("warn", "prefect", f"{found.found}, {address} does not answer", remedy)]


def _eccodes() -> list[Finding]:
    try:
        version = importlib.metadata.version("eccodes")
    except importlib.metadata.PackageNotFoundError:
        return [Finding("ok", "eccodes", "not installed, so it cannot collide with Cartopy")]
    if _requirement("eccodes") and _accepts("eccodes", version):
        return [Finding("ok", "eccodes", version)]
    return [
        Finding(
            "warn",
            "eccodes",
            f"{version} brings a PROJ of its own: imported before Cartopy, it crashes Python",
            "in your own scripts import cartopy first, or pass engine= to xarray.open_dataset; Plumecast does",
        )
    ]


def _part(extra: str, distribution: str) -> Finding:
    """Check whether a part is installed, in a version that this release accepts."""
    part: Part = next(part for part in PARTS if part.extra == extra)
    expected = _requirement(distribution)
    if not part.is_installed:
        wanted = f", expected {distribution}{expected}" if expected else ""
        return Finding("missing", distribution, f"not installed{wanted}; needed for {part.serves}", part.remedy)
    version = importlib.metadata.version(distribution)
    if not _accepts(distribution, version):
        remedy = f"pip install '{distribution}{expected}'"
        return Finding("warn", distribution, f"{version}, expected {expected}", remedy)
    return Finding("ok", distribution, version)


def _accepts(distribution: str, version: str) -> bool:
    from packaging.specifiers import SpecifierSet

    return SpecifierSet(_requirement(distribution)).contains(version, prereleases=True)


def _requirement(distribution: str) -> str:
    """Return the required version of a distribution from the package metadata, such as `>=2.9`; empty for any."""
    from packaging.requirements import Requirement

    try:
        lines = importlib.metadata.requires("plumecast") or []
    except importlib.metadata.PackageNotFoundError:
        return ""
    wanted = (Requirement(line) for line in lines)
    return next((str(found.specifier) for found in wanted if found.name == distribution), "")


def _memory() -> list[Finding]:
    if not hasattr(os, "sysconf"):
        return [Finding("warn", "memory", "unknown", "allow 4 GiB")]
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIB
    if total >= 4:
        return [Finding("ok", "memory", f"{total:.1f} GiB")]
    return [Finding("warn", "memory", f"{total:.1f} GiB", "the demonstration takes 4 GiB: use fewer --members")]


def _disk(home: Home) -> list[Finding]:
    existing = next(path for path in (home.root, *home.root.parents) if path.exists())
    if not os.access(existing, os.W_OK):
        return [Finding("broken", "home", f"{home.root}, not writable", "set PLUMECAST_HOME to a directory of yours")]
    free = shutil.disk_usage(existing).free / GIB
    if free >= 2:
        return [Finding("ok", "home", f"{home.root}, {free:.1f} GiB free")]
    return [Finding("warn", "home", f"{home.root}, {free:.1f} GiB free", "free at least 2 GiB")]


def _coastlines() -> list[Finding]:
    from data_catalog.bundled import NATURAL_EARTH

    shapes = list(Path(NATURAL_EARTH).rglob("*.shp"))
    if shapes:
        return [Finding("ok", "coastlines", f"{len(shapes)} Natural Earth layers in the package")]
    return [Finding("broken", "coastlines", "none in the package", "install the package again")]


def _checkpoints(home: Home) -> list[Finding]:
    from pipelines.workspace.checkpoints import find_checkpoint
    from pipelines.workspace.systems import find_system, system_names

    findings = []
    for name in system_names():
        try:
            findings.append(Finding("ok", name, f"checkpoint {find_checkpoint(home, find_system(name))}"))
        except PlumecastError:
            findings.append(Finding("warn", name, "no checkpoint", f"plumecast ingest, then plumecast train {name}"))
    return findings


def _archives(home: Home) -> list[Finding]:
    from pipelines.data.listing import archive_summary
    from pipelines.workspace.datasets import known_names

    findings = []
    for name in known_names(home):
        state = archive_summary(home.archive(name))
        is_sound = "holes" not in state and state not in ("none", "broken", "empty")
        remedy = "" if is_sound else f"plumecast ingest {name}"
        findings.append(Finding("ok" if is_sound or state == "none" else "warn", f"archive {name}", state, remedy))
    return findings
