"""Metrics of the cycles of all systems, for node_exporter's textfile collector: from ledgers, archives and runs.

Everything is read from what is stored, so that the file can be written anew at any time and by any process.
"""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from prometheus_client import CollectorRegistry, Gauge, write_to_textfile

from data_catalog.archive.ledger import Ledger
from data_catalog.errors import ConfigurationError, InvalidDataError, MissingDataError, PlumecastError
from data_catalog.storage.atomic_files import disk_errors
from forecast.products.checks.limits import MOST_RUNS, control_limits
from forecast.products.files.checked import read_checked
from forecast.products.files.manifest import find_runs, read_manifest
from forecast.products.files.runs import RunDirectory
from forecast.verification.evaluation_report import read_evaluation
from pipelines.operations.copies import STORE
from pipelines.operations.cycle_ledger import CycleLedger
from pipelines.operations.cycle_states import WRONG_FIRST, CycleState
from pipelines.operations.stage_metrics import StageMetrics
from pipelines.operations.status import status_of
from pipelines.runs.run_system import run_system
from pipelines.workspace.home import Home

logger = logging.getLogger("plumecast")
SCORES = ("crps", "spread_skill")
SECOND = np.timedelta64(1, "s")
EPOCH = np.datetime64(0, "s")
_BY_SYSTEM: dict[str, str] = {
    "plumecast_newest_analysis_timestamp_seconds": "Valid time of the newest archived analysis, seconds since 1970.",
    "plumecast_newest_forecast_init_timestamp_seconds": "Init time of the newest published run, seconds since 1970.",
    "plumecast_newest_forecast_made_timestamp_seconds": "When the newest published run was made, seconds since 1970.",
    "plumecast_cycle_seconds": "Time from the beginning of the last published cycle to its publication.",
    "plumecast_failures": "Failures recorded of all cycles so far.",
    "plumecast_held": "Whether the system is held: 1 or 0.",
    "plumecast_unannounced": "Messages about published runs that nobody took yet.",
    "plumecast_not_copied": "Published runs that are not where their system publishes them.",
    "plumecast_run_bytes": "Size of the newest published run.",
    "plumecast_runs_bytes": "Size of all published runs.",
}
Values = Mapping[tuple[str, int], float]
"""By channel and lead hours."""


@dataclass
class Metrics:
    """The metrics of one file, other than those of stages."""

    registry: CollectorRegistry

    def __post_init__(self) -> None:
        self.plain = {
            name: Gauge(name, words, ["system"], registry=self.registry) for name, words in _BY_SYSTEM.items()
        }
        self.cycles = Gauge("plumecast_cycles", "Cycles by state.", ["system", "state"], registry=self.registry)
        labels = ["system", "channel", "lead_hours", "limit"]
        self.controlled = {
            name: Gauge(
                f"plumecast_{name}",
                f"{name} of the newest run that has it (limit: none), and control limits from earlier runs.",
                labels,
                registry=self.registry,
            )
            for name in ("spread", *SCORES)
        }

    def put(self, name: str, system: str, value: float | None) -> None:
        """Set a metric of a system, unless there is no value."""
        if value is not None:
            self.plain[name].labels(system).set(value)


def write_metrics(home: Home, path: Path) -> Path:
    """Write the metrics of all systems with a ledger, atomically.

    Args:
        home: The home directory.
        path: The file, which node_exporter's textfile collector reads if its name ends with .prom.

    Returns:
        `path`.

    Raises:
        ConfigurationError: The name does not end with .prom, or the file cannot be written.
    """
    if path.suffix != ".prom":
        raise ConfigurationError(f"{path}: expected a name that ends with .prom, which the textfile collector reads")
    metrics = Metrics(CollectorRegistry())
    stages = StageMetrics(metrics.registry)
    for system, (ledger, states) in status_of(home, []).items():
        _add_cycles(metrics, system, ledger, states)
        runs = find_runs(home.runs, system)
        _add_runs(metrics, home, system, runs)
        _add_controlled(metrics, system, runs)
        stages.add(system, home.runs)
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_to_textfile(str(path), metrics.registry)
    return path


def _add_cycles(metrics: Metrics, system: str, ledger: CycleLedger, states: Sequence[CycleState]) -> None:
    counts = Counter(state.state for state in states)
    for state in WRONG_FIRST:
        metrics.cycles.labels(system, state).set(counts[state])
    events = [event for of_cycle in ledger.events.values() for event in of_cycle]
    metrics.put("plumecast_failures", system, sum(event.event == "failed" for event in events))
    metrics.put("plumecast_held", system, float(ledger.is_held))
    told = [each for of_run in ledger.announcements.values() for each in of_run.values()]
    metrics.put("plumecast_unannounced", system, sum(not each.delivered for each in told if each.to != STORE))
    metrics.put("plumecast_not_copied", system, sum(not state.is_copied for state in states))
    metrics.put("plumecast_cycle_seconds", system, _last_duration(ledger))


def _last_duration(ledger: CycleLedger) -> float | None:
    """Seconds that the last published cycle took from its last beginning on; None before the first."""
    durations = []
    for events in ledger.events.values():
        begun = None
        for event in events:
            begun = event.at if event.event == "running" else begun
            if event.event == "published" and begun is not None:
                durations.append((event.at, float((event.at - begun) / SECOND)))
    return max(durations)[1] if durations else None


def _add_runs(metrics: Metrics, home: Home, system: str, runs: list[RunDirectory]) -> None:
    sizes = [sum(entry.size for entry in read_manifest(run.path).files.values()) for run in runs]
    metrics.put("plumecast_runs_bytes", system, float(sum(sizes)))
    if not runs:
        return
    metrics.put("plumecast_run_bytes", system, sizes[-1])
    metrics.put("plumecast_newest_forecast_init_timestamp_seconds", system, _seconds(runs[-1].init_time))
    kept = [run for run in runs if run.forecast.exists()]
    if kept:
        made = max(run.forecast.stat().st_mtime for run in kept)
        metrics.put("plumecast_newest_forecast_made_timestamp_seconds", system, made)
        metrics.put("plumecast_newest_analysis_timestamp_seconds", system, _newest_analysis(home, kept[-1]))


def _newest_analysis(home: Home, run: RunDirectory) -> float | None:
    try:
        return _seconds(Ledger.read(home.archive(run_system(run).dataset)).arrival_times().max())
    except (MissingDataError, InvalidDataError) as error:
        logger.warning("%s: the time of the newest analysis is not known: %s", run.system_name, error)
        return None


def _add_controlled(metrics: Metrics, system: str, runs: list[RunDirectory]) -> None:
    """Add what is compared with the system's own earlier runs: the spread of each run, the scores of verified ones."""
    latest = runs[-MOST_RUNS - 1 :]
    _control(metrics.controlled["spread"], system, [_spread(run) for run in latest])
    verified = [run for run in latest if run.scores.exists()]
    for score in SCORES:
        _control(metrics.controlled[score], system, [_score(run, score) for run in verified])


def _control(gauge: Gauge, system: str, history: list[Values]) -> None:
    known = [values for values in history if values]
    for (channel, hours), value in (known[-1] if known else {}).items():
        gauge.labels(system, channel, str(hours), "none").set(value)
        limits = control_limits([run[channel, hours] for run in known[:-1] if (channel, hours) in run])
        if limits is not None:
            gauge.labels(system, channel, str(hours), "low").set(limits.low)
            gauge.labels(system, channel, str(hours), "high").set(limits.high)


def _spread(run: RunDirectory) -> Values:
    try:
        checked = read_checked(run.checks)
    except PlumecastError:
        return {}
    if checked is None:
        return {}
    return {
        (name, hours): spread
        for name, spreads in checked.spread.items()
        for hours, spread in zip(checked.lead_hours, spreads, strict=True)
    }


def _score(run: RunDirectory, score: str) -> Values:
    try:
        scores = read_evaluation(run.scores).scores.get("plumecast", {})
    except PlumecastError:
        return {}
    return {
        (name, int(hours)): value
        for name, of_channel in scores.items()
        for hours, value in of_channel.get(score, {}).items()
        if isinstance(value, float)
    }


def _seconds(time: np.datetime64) -> float:
    return float((time - EPOCH) / SECOND)
