"""Tells others that a run is published: a signed webhook, and a file in a directory.

Nothing here fails or holds up a publication: what could not be delivered is recorded and tried again by later cycles.
"""

import base64
import hashlib
import hmac
import json
import logging
import os
import random
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import httpx

from data_catalog.clock import utc_now
from data_catalog.errors import ConfigurationError, PlumecastError
from data_catalog.storage.atomic_files import write_durably
from forecast.products.files.manifest import file_hash, read_manifest
from forecast.products.files.runs import RunDirectory
from forecast.system.announce import Announce
from pipelines.operations.cycle_ledger import Announced, Announcement, CycleLedger

logger = logging.getLogger("plumecast")
SECRET = "PLUMECAST_WEBHOOK_SECRET"  # noqa: S105  # the name of the variable
ATTEMPTS = 4
_FIRST_PAUSE_SECONDS = 1.0
_TIMEOUT_SECONDS = 10.0
MOST_RUNS = 20
"""Runs of earlier cycles that are announced again at a time."""


def message_of(run: RunDirectory) -> dict[str, object]:
    """Return what is said of a published run.

    Args:
        run: The published run.

    Raises:
        MissingDataError: It has no manifest.
        InvalidDataError: Its manifest is invalid.
    """
    manifest = read_manifest(run.path)
    return {
        "type": "plumecast-run.published",
        "system": manifest.system,
        "init_time": manifest.init_time,
        "run": str(run.path),
        "manifest_sha256": file_hash(run.manifest),
        "model_id": manifest.model_id,
        "members": len(manifest.delivered.members),
        "lead_hours": list(manifest.delivered.lead_hours),
        "checks": manifest.checks,
    }


def signed_headers(identity: str, body: bytes, secret: str | None, at: int) -> dict[str, str]:
    """Return the headers of a message, signed if there is a secret.

    Args:
        identity: The same for each attempt to deliver one message, so that a receiver can tell.
        body: The message as it is sent.
        secret: Shared with the receiver; None for no signature.
        at: Seconds since 1970.

    Source: Standard Webhooks 1.0.0, https://www.standardwebhooks.com
    """
    headers = {"content-type": "application/json", "webhook-id": identity, "webhook-timestamp": str(at)}
    if secret is None:
        return headers
    digest = hmac.new(secret.encode(), f"{identity}.{at}.".encode() + body, hashlib.sha256).digest()
    return headers | {"webhook-signature": f"v1,{base64.b64encode(digest).decode('ascii')}"}


def post(url: str, run: RunDirectory, *, pause_seconds: float = _FIRST_PAUSE_SECONDS) -> None:
    """Post the message about a run, again after growing pauses where the receiver does not take it.

    Args:
        url: The webhook.
        run: The published run.
        pause_seconds: The first pause; each further one is twice as long, and up to half as long again at random.

    Raises:
        ConfigurationError: No attempt was answered with a status from 200 to 299.
    """
    message = message_of(run)
    body = json.dumps(message).encode()
    identity = f"{message['system']}-{run.path.name}-{str(message['manifest_sha256'])[:12]}"
    found = ""
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(pause_seconds * 2 ** (attempt - 1) * random.uniform(1, 1.5))  # noqa: S311  # jitter
        headers = signed_headers(identity, body, os.environ.get(SECRET) or None, int(utc_now().timestamp()))
        try:
            answer = httpx.post(url, content=body, headers=headers, timeout=_TIMEOUT_SECONDS)
        except httpx.HTTPError as error:
            found = type(error).__name__
            continue
        if answer.is_success:
            return
        found = f"status {answer.status_code}"
    raise ConfigurationError(f"webhook {url}: expected status 200 to 299 in {ATTEMPTS} attempts, found {found}")


def drop(directory: Path, run: RunDirectory) -> None:
    """Write the message about a run into a directory, as `<system>_<cycle>.json`.

    Args:
        directory: The directory.
        run: The published run.

    Raises:
        ConfigurationError: It cannot be written.
    """
    write_durably(directory / f"{run.stem}.json", json.dumps(message_of(run), indent=1) + "\n")


def announce(ledger: CycleLedger, rules: Announce, run: RunDirectory) -> None:
    """Tell everybody that a system names about a published run, and record who took it; never fail.

    Args:
        ledger: Ledger of the system's cycles.
        rules: Who is told.
        run: The published run.
    """
    if rules.webhook is not None:
        _deliver(ledger, run, "webhook", partial(post, rules.webhook, run))
    if rules.directory is not None:
        _deliver(ledger, run, "file", partial(drop, rules.directory, run))


def announce_again(ledger: CycleLedger, rules: Announce, runs: Path, system_name: str) -> None:
    """Announce those of the latest runs once more that somebody did not take.

    Args:
        ledger: Ledger of the system's cycles.
        rules: Who is told.
        runs: Root of the run directories.
        system_name: Name of the system.
    """
    refused = [time for time, told in ledger.announcements.items() if not all(each.delivered for each in told.values())]
    for init_time in sorted(refused)[-MOST_RUNS:]:
        run, told = RunDirectory(runs, system_name, init_time), ledger.announcements[init_time]
        again = {to for to, each in told.items() if not each.delivered}
        wanted = Announce(
            webhook=rules.webhook if "webhook" in again else None,
            directory=rules.directory if "file" in again else None,
        )
        if run.manifest.exists():
            announce(ledger, wanted, run)


def _deliver(ledger: CycleLedger, run: RunDirectory, to: Announced, action: Callable[[], None]) -> None:
    earlier = ledger.announcements.get(run.init_time, {}).get(to)
    if earlier is not None and earlier.delivered:
        return
    reason = ""
    try:
        action()
    except PlumecastError as error:
        reason = str(error)
        logger.warning("%s is published, but not announced: %s", run.path, reason)
    ledger.append(Announcement(init_time=run.init_time, to=to, delivered=not reason, reason=reason))
