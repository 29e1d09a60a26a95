"""The flow of an ingest month by month; it needs no torch."""

import logging
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from prefect import flow
from prefect.runtime import flow_run
from pydantic import SecretStr

from data_catalog.errors import ConfigurationError
from pipelines.data import monthly_ingest as monthly
from pipelines.data.monthly_ingest import MonthlyIngest, MonthResult
from pipelines.data.months import Month
from pipelines.flows.artifacts import show_months
from pipelines.flows.source_limits import source_slots
from pipelines.flows.steps import ONE_AT_A_TIME, disclosed, step
from pipelines.terminal.times import parse_moment
from pipelines.workspace.datasets import find_dataset
from pipelines.workspace.home import Home
from pipelines.workspace.scheduler import LOCAL

logger = logging.getLogger("plumecast")


def _name_of_run() -> str:
    """Return the name of a flow run on Prefect's page: the dataset and the asked period."""
    asked = flow_run.parameters
    return f"{Path(asked['dataset']).stem}-{asked.get('start') or 'first'}-{asked.get('end') or 'latest'}"


@flow(name="plumecast-ingest-months", flow_run_name=_name_of_run, task_runner=ONE_AT_A_TIME, persist_result=False)
def months_flow(
    dataset: str,
    home: str,
    *,
    start: str | None = None,
    end: str | None = None,
    source: SecretStr | None = None,
    archive: str | None = None,
    replace: bool = False,
    scheduler: str = LOCAL,
) -> str:
    """Ingest a period month by month, one task a month, and show what came, what is missing, and why.

    A month that fails does not stop the later ones, unless the request itself is wrong; the first failure is raised at
    the end. Run again, the flow asks only for months that are not archived completely.

    Args:
        dataset: Name of a dataset, or path of its file.
        home: Home directory.
        start: First time, ISO 8601; None for the first of the source.
        end: Last time, ISO 8601; None for the latest available.
        source: Path or URL to use instead of the catalogue's source; secret, because a URL may hold a password.
        archive: Archive to use instead of the home's.
        replace: Whether values of the source replace archived ones that differ.
        scheduler: What reads and packs, as in `--scheduler`.

    Returns:
        What was ingested, in one line.
    """
    place = Home(Path(home))
    entry = find_dataset(place, dataset)
    target = place.archive(entry.name) if archive is None else Path(archive)
    request = MonthlyIngest(place, entry, target, disclosed(source), replace=replace, scheduler=scheduler)
    first = parse_moment(start, "--start") if start else None
    last = parse_moment(end, "--end") if end else None
    results, failures = _ingest_each(request, plan_months(request, first, last))
    conclude(request, results)
    if failures:
        raise failures[0]
    return monthly.describe_months(target, results)


def _ingest_each(request: MonthlyIngest, months: Sequence[Month]) -> tuple[list[MonthResult], list[Exception]]:
    """Ingest each month, although another one fails; a wrong request would fail for all of them."""
    results, failures = [], list[Exception]()
    for month in months:
        try:
            results.append(ingest_month.with_options(task_run_name=f"ingest {month.name}")(request, month))
        except Exception as error:
            failures.append(error)
            logger.error("%s: %s", month.name, error)
            results.append(monthly.failed_month(request, month, error))
            if isinstance(error, ConfigurationError):
                break
    return results, failures


@step("months of the period")
def plan_months(request: MonthlyIngest, start: date | None, end: date | None) -> tuple[Month, ...]:
    """Return the calendar months to ask for."""
    with source_slots(request.entry.source):
        return monthly.plan_months(request, start, end)


@step("ingest month")
def ingest_month(request: MonthlyIngest, month: Month) -> MonthResult:
    """Bring one month into the archive, within the limit of its source."""
    with source_slots(request.entry.source):
        return monthly.ingest_month(request, month)


@step("what came and what is missing")
def conclude(request: MonthlyIngest, results: Sequence[MonthResult]) -> None:
    """Show the months as an artifact, and record in the ledger why times are missing."""
    show_months(request.entry.name, monthly.table(results))
    monthly.note_lacking(request, results)
