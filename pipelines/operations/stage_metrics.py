"""Metrics of the stages of cycles, from their logs: durations, outcomes, retries, bytes and memory."""

from collections import Counter
from collections.abc import Iterable
from itertools import chain, pairwise
from pathlib import Path

from prometheus_client import CollectorRegistry, Gauge

from forecast.products.files.runs import RunDirectory
from forecast.system.cycles import CYCLE_NAME, parse_cycle_name
from pipelines.runs.stage_log import LOG_SUFFIX, StageEvent, read_log

LATEST_CYCLES = 60
"""Over how many cycles outcomes are counted."""


class StageMetrics:
    """Gauges of all stages of all systems."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def gauge(name: str, words: str, *further: str) -> Gauge:
            return Gauge(f"plumecast_stage_{name}", words, ["system", "stage", *further], registry=registry)

        self._last = {
            "seconds": gauge("seconds", "How long the stage took when it was last done."),
            "size": gauge("bytes", "Size of what the stage last wrote."),
            "memory": gauge("memory_bytes", "Largest resident set of its process when the stage was last done."),
        }
        self._attempts = gauge("attempts", "How often the stage was begun in the latest cycle that has it.")
        self._outcomes = gauge("outcomes", f"Ends of the stage over the latest {LATEST_CYCLES} cycles.", "outcome")

    def add(self, system: str, runs: Path) -> None:
        """Add the stages of a system.

        Args:
            system: Name of the system.
            runs: Directory of all runs of all systems.
        """
        logs = [read_log(run) for run in logged_runs(runs, system)[-LATEST_CYCLES:]]
        for stage in dict.fromkeys(event.stage for event in chain.from_iterable(logs)):
            of_stage = [[event for event in log if event.stage == stage] for log in logs]
            for outcome, count in outcomes(of_stage).items():
                self._outcomes.labels(system, stage, outcome).set(count)
            latest = [events for events in of_stage if events][-1]
            self._attempts.labels(system, stage).set(sum(event.event == "begun" for event in latest))
            done = [event for event in chain.from_iterable(of_stage) if event.event == "done"]
            for name, gauge in self._last.items():
                value = getattr(done[-1], name) if done else None
                if value is not None:
                    gauge.labels(system, stage).set(value)


def logged_runs(runs: Path, system_name: str) -> list[RunDirectory]:
    """Return the runs of a system that have a log, whether they are published or not, earliest first.

    Args:
        runs: Directory of all runs of all systems.
        system_name: Name of the system.
    """
    names = sorted(path.name.removesuffix(LOG_SUFFIX) for path in (runs / system_name).glob(f"*{LOG_SUFFIX}"))
    return [RunDirectory(runs, system_name, parse_cycle_name(name)) for name in names if CYCLE_NAME.fullmatch(name)]


def outcomes(logs: Iterable[list[StageEvent]]) -> dict[str, int]:
    """Return how often a stage was done, failed, and was killed: begun again without an end.

    Args:
        logs: The events of one stage, of each cycle.
    """
    counts = Counter({"done": 0, "failed": 0, "killed": 0})
    for events in logs:
        told = [event.event for event in events if event.event != "computed"]
        counts.update(event for event in told if event in ("done", "failed"))
        counts["killed"] += sum(first == second == "begun" for first, second in pairwise(told))
    return dict(counts)
