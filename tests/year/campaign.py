"""Let a tiny system forecast for a year of days, while everything goes wrong that goes wrong in a year.

    python -m tests.year.campaign --days 365 --seed 0 --out DIR

The cycles are those of `plumecast cycle`, in this process and on a running Prefect server; the clock is simulated.
Analyses come over HTTP: late, never, without values, cut off, suspect. The source is down for two hours, the machine
for a day; the disk is full; the clock jumps ahead and back; a new model is promoted midway. At the end every cycle is
published or explained; ledger, status, metrics and pages agree; and nothing is kept that is too old. One grey square
stands for the figures of each page, which would take most of the time.
"""

import argparse
import json
import logging
import os
import sys
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from prefect.testing.utilities import prefect_test_harness
from pydantic import SecretStr

from data_catalog.clock import other_clock
from data_catalog.errors import ConfigurationError, InvalidDataError, MissingDataError, PlumecastError
from data_catalog.storage.patience import VARIABLE as PATIENCE
from pipelines.flows.cycle import cycle_flow
from pipelines.operations.promotion import promote, register_model, set_shadow
from pipelines.workspace.model_registry import ModelRegistry
from pipelines.workspace.systems import find_system
from tests.chaos.world import FIRST, NAME
from tests.year.events import JUMPS, Events, What
from tests.year.judging import faults_of, size_of
from tests.year.weather import Clock, Source, at
from tests.year.world import YearWorld, make_year, one_plot

TICK_HOURS = 6.0
"""Hour of the day at which the schedule runs a cycle."""
POLLED_HOURS = (8.0, 12.0)
"""When it asks again for what was late or failed."""
SHADOW_CYCLES = 30
"""How long the candidate runs beside the live model."""


@dataclass
class Year:
    """A year that goes by.

    Attributes:
        world: The home.
        source: Where analyses come from.
        clock: The simulated clock.
        events: What goes wrong.
        seen: How often each thing happened: flow runs by outcome, events, promotions.
        sizes: Bytes of all runs at the end of each day.
        seconds: Time that each flow run took.
    """

    world: YearWorld
    source: Source
    clock: Clock
    events: Events
    seen: Counter[str] = field(default_factory=Counter)
    sizes: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def live_through(self, days: int) -> None:
        """Let all days go by, and promote the candidate midway."""
        middle, lead = days // 2, min(SHADOW_CYCLES, days // 4)
        for number in range(days):
            if number == middle - lead:
                self._begin_shadow()
            if number == middle:
                self._promote()
            self._day(FIRST + number)
            self.sizes.append(size_of(self.world))
            print(f"{FIRST + number}: {dict(self.seen)}, {self.sizes[-1] / 2**20:.1f} MiB", flush=True)

    def _day(self, day: np.datetime64) -> None:
        event = self.events.by_day.get(day)
        if event == "downtime":
            return
        for hours in (TICK_HOURS, *POLLED_HOURS):
            self.clock.true = at(day, hours)
            self.source.show(self.clock.true)
            if self._tick(event, hours):
                return

    def _tick(self, event: What | None, hours: float) -> bool:
        """Run one cycle; return whether there is nothing to ask for again."""
        first, early = hours == TICK_HOURS, hours < TICK_HOURS + 2.5
        with self._trouble(event, first=first, early=early):
            begun = time.time()
            outcome, is_done = self._outcome()
            self.seconds.append(time.time() - begun)
        self.world.stamp(begun - 1, self.clock.true)
        self.seen[outcome] += 1
        return is_done and not (event in JUMPS and first)

    @contextmanager
    def _trouble(self, event: What | None, *, first: bool, early: bool) -> Iterator[None]:
        """Let happen what happens at a tick: outages and a full disk last for two, a jump of the clock for one."""
        self.clock.error = JUMPS[event] if event in JUMPS and first else timedelta(0)
        trouble = nullcontext()
        if event == "outage" and early:
            trouble = self.source.out()
        elif event == "full disk" and early:
            trouble = self.world.full_disk()
        with trouble:
            yield
        self.clock.error = timedelta(0)

    def _outcome(self) -> tuple[str, bool]:
        try:
            made = cycle_flow(str(self.world.system), str(self.world.home.root), source=SecretStr(self.source.url))
        except MissingDataError:
            return "late", False
        except (InvalidDataError, ConfigurationError) as error:
            logging.getLogger("year").warning("%s: %s", self.clock.true, error)
            return type(error).__name__, False
        return f"made {len(made)}", True

    def _begin_shadow(self) -> None:
        system = find_system(str(self.world.system), self.world.home)
        candidate = register_model(self.world.home, system, self.world.candidate, "five iterations")
        set_shadow(self.world.home, NAME, candidate.model_id, shadow=True)

    def _promote(self) -> None:
        registry = ModelRegistry.read(self.world.home.models(NAME))
        (candidate,) = registry.shadows
        try:
            promote(self.world.home, NAME, candidate.model_id)
            self.seen["promoted by proof"] += 1
        except PlumecastError as error:
            promote(self.world.home, NAME, candidate.model_id, without_proof=str(error))
            self.seen["promoted without proof"] += 1


def campaign(root: Path, days: int, seed: int, *, members_days: int = 30, products_days: int = 60) -> dict[str, Any]:
    """Live through a year, and look at what is left.

    Args:
        root: Directory that is empty or does not exist yet.
        days: Number of days.
        seed: Selects the days on which something goes wrong.
        members_days: How long members are kept.
        products_days: How long products are kept.

    Returns:
        What was counted.

    Raises:
        AssertionError: Something is wrong.
    """
    world, events = YearWorld(root), Events.drawn(FIRST, days, seed)
    with world.disk() as has_disk:
        weather = make_year(world, days, members_days=members_days, products_days=products_days)
        source = Source(root / "source", weather)
        events.prepare(source)
        year = Year(world, source, Clock(at(FIRST)), events)
        begun = time.time()
        try:
            with other_clock(year.clock.read), patch("pipelines.runs.page.plot_run", one_plot):
                year.live_through(days)
                states, faults = faults_of(world, FIRST, days)
        finally:
            source.close()
    counts = {
        "days": days, "seed": seed, "events": dict(events.counts()), "ticks": dict(year.seen), "states": states,
        "seconds": round(time.time() - begun), "a flow run, median s": round(float(np.median(year.seconds)), 2),
        "own disk": has_disk, "MiB halfway, at most": round(max(year.sizes[: days // 2]) / 2**20, 1),
        "MiB since, at most": round(max(year.sizes[days // 2 :]) / 2**20, 1), "faults": faults,
    }  # fmt: skip
    assert not faults, "; ".join(faults)
    return counts


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    os.environ[PATIENCE] = "1"
    warnings.simplefilter("ignore")
    root = asked.out.absolute()
    with prefect_test_harness(server_startup_timeout=120):
        counts = campaign(root, asked.days, asked.seed)
    (root / "counts.json").write_text(json.dumps(counts, indent=1))
    print(json.dumps(counts, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
