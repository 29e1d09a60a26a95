"""Which published runs should be in object storage and are not, by what the ledger says of copies."""

from collections.abc import Mapping

import numpy as np

from data_catalog.errors import PlumecastError
from forecast.products.files.manifest import file_hash
from forecast.products.files.runs import RunDirectory
from pipelines.operations.cycle_ledger import Announced, Announcement, CycleLedger
from pipelines.runs.run_system import run_system

STORE: Announced = "store"


def note_copy(ledger: CycleLedger, run: RunDirectory, manifest: str, reason: str = "") -> None:
    """Record that a run was copied, or why not; what is recorded already is not said twice.

    Args:
        ledger: Ledger of the system's cycles.
        run: The run.
        manifest: SHA-256 of its manifest when it was copied.
        reason: Why it could not be copied; empty if it was.
    """
    last = ledger.announcements.get(run.init_time, {}).get(STORE)
    if last is None or (last.manifest, last.reason) != (manifest, reason):
        ledger.append(
            Announcement(init_time=run.init_time, to=STORE, delivered=not reason, reason=reason, manifest=manifest)
        )


def not_copied(ledger: CycleLedger, made: Mapping[np.datetime64, RunDirectory]) -> dict[np.datetime64, str]:
    """Return which runs are not where their system publishes them as they are here, and why, by init time.

    Args:
        ledger: Ledger of the system's cycles.
        made: Published runs, by init time.
    """
    to = _destination(made)
    if to is None:
        return {}
    missing = {}
    for init_time, run in made.items():
        last = ledger.announcements.get(init_time, {}).get(STORE)
        if last is None or not last.delivered:
            missing[init_time] = f"not at {to}: {'no cycle has run since' if last is None else last.reason}"
        elif last.manifest != file_hash(run.manifest):
            missing[init_time] = f"changed since it was copied to {to}"
    return missing


def _destination(made: Mapping[np.datetime64, RunDirectory]) -> str | None:
    """Return where the system publishes, as its newest run that has members says; None if nowhere."""
    newest = next((made[time] for time in sorted(made, reverse=True) if made[time].forecast.exists()), None)
    try:
        return None if newest is None else run_system(newest).publish.to
    except (PlumecastError, OSError):
        return None
