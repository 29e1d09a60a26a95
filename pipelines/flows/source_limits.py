"""Limits how much is fetched from one source at a time, over all flows of a Prefect server.

A limit counts requests. A task takes as many slots as it may have requests under way. Prefect frees the slots of a
killed flow when their lease ends.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from prefect import get_client
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate
from prefect.client.schemas.responses import GlobalConcurrencyLimitResponse
from prefect.concurrency.sync import concurrency
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound

from data_catalog.sources.remote_files import MOST_AT_ONCE

USUAL_LIMIT = 4 * MOST_AT_ONCE
LIMITS = {"ecmwf-open-data": 8}
"""Requests at a time by kind of source, where the source asks for fewer than usual."""
LEASE_SECONDS = 60.0
"""How long a killed flow may hold its slots; a living one renews its lease."""


def limit_name(source: str) -> str:
    """Return the name of the limit of a source, as Prefect's page shows it.

    Args:
        source: Kind of source, such as `ecmwf-open-data`.
    """
    return f"plumecast-{source}"


@contextmanager
def source_slots(source: str) -> Iterator[None]:
    """Hold the slots of one task at a source, waiting for them while other flows hold them.

    The limit is made where it is lacking. One that an operator has changed stays: fewer slots than a task takes let one
    task at a time pass, none pauses the source.

    Args:
        source: Kind of source.
    """
    name = limit_name(source)
    with get_client(sync_client=True) as client:
        limit = _ensured(client, name, LIMITS.get(source, USUAL_LIMIT)).limit
    slots = max(1, min(MOST_AT_ONCE, limit))
    with concurrency(
        name, occupy=slots, lease_duration=LEASE_SECONDS, strict=True, raise_on_lease_renewal_failure=False
    ):
        yield


def _ensured(client: SyncPrefectClient, name: str, limit: int) -> GlobalConcurrencyLimitResponse:
    """Return a limit, which is made if there is none; two flows may do so at once."""
    try:
        return client.read_global_concurrency_limit_by_name(name)
    except ObjectNotFound:
        pass
    with suppress(ObjectAlreadyExists):
        client.create_global_concurrency_limit(GlobalConcurrencyLimitCreate(name=name, limit=limit))
    return client.read_global_concurrency_limit_by_name(name)
