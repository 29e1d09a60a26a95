"""What this machine can and cannot do."""

import importlib.util
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from data_catalog.errors import PlumecastError
from pipelines.workspace.home import Home

Verdict = Literal["ok", "warn", "missing"]
GIB = 1024**3


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        verdict: `missing` where nothing works without it.
        subject: What was looked at.
        found: What was found.
        mend: What to do about it; empty when all is well.
    """

    verdict: Verdict
    subject: str
    found: str
    mend: str = ""


def examine(home: Home) -> list[Finding]:
    """Look at everything; a check that fails is a finding of its own."""
    checks: list[tuple[str, Callable[[], list[Finding]]]] = [
        ("python", _python),
        ("torch", _torch),
        ("memory", _memory),
        ("disk", lambda: _disk(home)),
        ("coastlines", _coastlines),
        ("systems", lambda: _checkpoints(home)),
        ("archives", lambda: _archives(home)),
        ("prefect", _prefect),
        ("eccodes", _eccodes),
    ]
    findings: list[Finding] = []
    for subject, check in checks:
        try:
            findings += check()
        except Exception as error:
            findings.append(Finding("missing", subject, f"{type(error).__name__}: {error}", "report this"))
    return findings


def print_findings(findings: list[Finding]) -> bool:
    """Print one line each.

    Returns:
        Whether nothing essential is missing.
    """
    for finding in findings:
        mend = f"  -> {finding.mend}" if finding.mend else ""
        print(f"{finding.verdict:8}{finding.subject:24}{finding.found}{mend}")
    return all(finding.verdict != "missing" for finding in findings)


def _python() -> list[Finding]:
    found = sys.version.split()[0]
    if (3, 11) <= sys.version_info[:2] < (3, 14):
        return [Finding("ok", "python", found)]
    return [Finding("missing", "python", found, "use Python 3.11, 3.12 or 3.13")]


def _torch() -> list[Finding]:
    if importlib.util.find_spec("torch") is None:
        return [Finding("missing", "torch", "not installed", "pip install 'torch>=2.6'")]
    import torch

    findings = [
        Finding("ok", "torch", f"{torch.__version__}, {torch.get_num_threads()} threads of {os.cpu_count()} cores")
    ]
    if torch.cuda.is_available():
        names = ", ".join(torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count()))
        findings.append(Finding("ok", "gpu", names))
    else:
        findings.append(Finding("ok", "gpu", "none; everything runs on the CPU, large trainings slowly"))
    return findings


def _memory() -> list[Finding]:
    if not hasattr(os, "sysconf"):
        return [Finding("warn", "memory", "unknown", "allow 4 GB")]
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIB
    if total >= 4:
        return [Finding("ok", "memory", f"{total:.1f} GiB")]
    return [Finding("warn", "memory", f"{total:.1f} GiB", "the demonstration wants 4 GiB: use fewer --members")]


def _disk(home: Home) -> list[Finding]:
    existing = next(path for path in (home.root, *home.root.parents) if path.exists())
    if not os.access(existing, os.W_OK):
        return [Finding("missing", "home", f"{home.root}, not writable", "set PLUMECAST_HOME to a directory of yours")]
    free = shutil.disk_usage(existing).free / GIB
    verdict: Verdict = "ok" if free >= 2 else "warn"
    return [Finding(verdict, "home", f"{home.root}, {free:.1f} GiB free", "" if free >= 2 else "free at least 2 GiB")]


def _coastlines() -> list[Finding]:
    from data_catalog.bundled import NATURAL_EARTH

    shapes = list(Path(NATURAL_EARTH).rglob("*.shp"))
    if shapes:
        return [Finding("ok", "coastlines", f"{len(shapes)} Natural Earth layers in the package")]
    return [Finding("missing", "coastlines", "none in the package", "install the package again")]


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
    from data_catalog.catalog import dataset_names
    from pipelines.data.listing import archive_in_short

    findings = []
    for name in dataset_names():
        state = archive_in_short(home.archive(name))
        is_sound = "holes" not in state and state not in ("none", "broken", "empty")
        mend = "" if is_sound else f"plumecast ingest {name}"
        findings.append(Finding("ok" if is_sound or state == "none" else "warn", f"archive {name}", state, mend))
    return findings


def _prefect() -> list[Finding]:
    if importlib.util.find_spec("prefect") is None:
        return [Finding("missing", "prefect", "not installed", "pip install 'prefect>=3.4,<4'")]
    from pipelines.flows.environment import configured_address

    found = importlib.metadata.version("prefect")
    address = configured_address()
    if address is None:
        return [Finding("ok", "prefect", f"{found}, no server set up: one is started when needed")]
    from pipelines.flows.server import answers

    if answers(address):
        return [Finding("ok", "prefect", f"{found}, {address} answers")]
    return [
        Finding("warn", "prefect", f"{found}, {address} does not answer", "start the server, or unset PREFECT_API_URL")
    ]


def _eccodes() -> list[Finding]:
    bundles_proj = [name for name in ("eccodes", "eccodeslib", "cfgrib") if importlib.util.find_spec(name) is not None]
    if not bundles_proj:
        return [Finding("ok", "eccodes", "not installed, so it cannot collide with Cartopy")]
    return [
        Finding(
            "warn",
            "eccodes",
            f"{', '.join(bundles_proj)} installed: imported before Cartopy, it crashes Python",
            "in your own scripts import cartopy first, or pass engine= to xarray.open_dataset; Plumecast does",
        )
    ]
