"""Checks a staged run before it is published; one that fails is kept aside and not published."""

import logging
from collections.abc import Iterator

from data_catalog.errors import InvalidDataError, MissingDataError
from forecast.products.checks.judging import faults_of, judge
from forecast.products.checks.limits import MOST_RUNS
from forecast.products.checks.measuring import measure_forecast
from forecast.products.files.checked import CheckedRun, CheckedSpread, read_checked, write_checked
from forecast.products.files.manifest import Contents, find_runs, read_manifest
from forecast.products.files.proof import described_by
from forecast.products.files.runs import RunDirectory
from pipelines.runs import staging
from pipelines.runs.cycle import Cycle
from pipelines.runs.inputs import IDENTITY, digest_of
from pipelines.runs.stage_log import logged

logger = logging.getLogger("plumecast")


class RejectedRunError(InvalidDataError):
    """A run failed its checks: it is made from the same analysis by the same model and system again in vain.

    Attributes:
        inputs: Hash of analysis, model and system.
    """

    def __init__(self, message: str, inputs: str = "") -> None:
        super().__init__(message)
        self.inputs = inputs


def check_run(cycle: Cycle) -> CheckedRun:
    """Check the forecast file of a staged run, and write what was found into the run.

    Args:
        cycle: The request for the run, whose members are staged.

    Raises:
        RejectedRunError: A check failed, and the run is not to be published anyway; it is kept aside.
    """
    with logged(cycle.run, "check", members=cycle.members):
        return _checked(cycle)


def _checked(cycle: Cycle) -> CheckedRun:
    stage, channels = staging.staged(cycle.run), cycle.system.state.predictands
    measured = measure_forecast(stage.forecast, channels)
    history = [] if len(measured.members) == 1 else list(_history(cycle, stage))
    expected = Contents(members=cycle.members, lead_hours=cycle.lead_hours)
    checks = judge(measured, expected, channels, history)
    spread = {name: tuple(values) for name, values in measured.spread.items()}
    checked = CheckedRun(checks=checks, lead_hours=measured.lead_hours, spread=spread)
    write_checked(stage.checks, checked)
    faults = faults_of(checks)
    if faults and not cycle.publish_anyway:
        inputs = digest_of({name: described_by(stage.forecast)[name] for name in IDENTITY})
        kept = staging.reject(cycle.run)
        words = f"run {cycle.run.path}: not published, {'; '.join(faults)}; it is kept in {kept}"
        raise RejectedRunError(words, inputs)
    for fault in faults:
        logger.warning("%s: published although a check failed: %s", cycle.run.path, fault)
    return checked


def _history(cycle: Cycle, stage: RunDirectory) -> Iterator[CheckedSpread]:
    """Return the spread of the latest runs of the same model and system that failed no check, latest first."""
    made, found = described_by(stage.forecast), 0
    identity = made["system_hash"], made["model_id"]
    for run in reversed(find_runs(cycle.runs, cycle.system.name)):
        try:
            manifest, checked = read_manifest(run.path), read_checked(run.checks)
        except (InvalidDataError, MissingDataError) as error:
            logger.warning("%s: does not count for the limits of the spread: %s", run.path, error)
            continue
        is_like = checked is not None and (manifest.system_hash, manifest.model_id) == identity
        if (
            run.init_time == cycle.init_time
            or not is_like
            or checked is None
            or "failed" in checked.outcomes().values()
        ):
            continue
        if checked.lead_hours[: len(cycle.lead_hours)] == cycle.lead_hours[: len(checked.lead_hours)]:
            yield checked.spread
            found += 1
        if found == MOST_RUNS:
            return
