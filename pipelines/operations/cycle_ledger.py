"""The cycle ledger: what became of every cycle of a system, as an append-only file in the home directory.

Lines are chained by hash (`data_catalog.storage.chained_lines`), each is synced before the work goes on, and a line
cut off by a kill is ignored. The ledger is not the only witness: a published run counts even if its line is missing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, TypeAdapter

from data_catalog.errors import ConfigurationError
from data_catalog.layout.times import iso
from data_catalog.storage.record_files import append_record, read_records
from pipelines.terminal.times import now, parse_time


def _as_time(value: object) -> np.datetime64:
    if isinstance(value, np.datetime64):
        exact: np.datetime64 = value.astype("datetime64[ns]")
        return exact
    try:
        return parse_time(str(value))
    except ConfigurationError as error:
        raise ValueError(str(error)) from None


Time = Annotated[np.datetime64, BeforeValidator(_as_time), PlainSerializer(iso)]
Clock = Literal["wall", "data", "played"]
"""What makes the next cycle due: the time of day, a new analysis in an archive of the past, or, for simulated weather,
a tick of the schedule."""
Announced = Literal["webhook", "file", "store"]
"""Who is told that a run is published; a store gets a copy of it."""
Event = Literal["waiting", "running", "failed", "published", "verified", "missed", "skipped"]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    at: Time = Field(default_factory=now)
    """When it was recorded."""


class Plan(_Record):
    """Which cycles are due, from an init time on."""

    record: Literal["plan"] = "plan"
    system: str
    first: Time
    """Init time of the first cycle."""
    every_hours: Annotated[int, Field(gt=0)]
    wait_hours: float
    clock: Clock


class CycleEvent(_Record):
    """Something that happened to one cycle."""

    record: Literal["cycle"] = "cycle"
    init_time: Time
    event: Event
    reason: str = ""
    asked: bool = False
    """Whether the cycle was asked for by its init time, which does not move the schedule."""
    deadline: Time | None = None
    """When the cycle is late, as known when it was recorded; the first one recorded of a cycle counts."""
    inputs: str | None = None
    """Hash of analysis, model and system of a run that failed its checks."""


class Hold(_Record):
    """The schedule was held, or released."""

    record: Literal["hold"] = "hold"
    held: bool
    reason: str = ""


class Announcement(_Record):
    """Somebody was told that a run is published, or a store got a copy of it, or not."""

    record: Literal["announcement"] = "announcement"
    init_time: Time
    to: Announced
    delivered: bool
    reason: str = ""
    manifest: str | None = None
    """SHA-256 of the manifest of a run that was copied."""


Record = Plan | CycleEvent | Hold | Announcement
_RECORDS: TypeAdapter[Record] = TypeAdapter(Annotated[Record, Field(discriminator="record")])


@dataclass
class CycleLedger:
    """What is recorded about the cycles of one system.

    Attributes:
        path: The file, which need not exist yet.
        plans: Plans in order; each holds from its first init time on.
        events: Events of each cycle, in order.
        hold: The last hold or release.
        announcements: What was last tried to tell each receiver about each run.
    """

    path: Path
    plans: list[Plan] = field(default_factory=list)
    events: dict[np.datetime64, list[CycleEvent]] = field(default_factory=dict)
    hold: Hold | None = None
    announcements: dict[np.datetime64, dict[Announced, Announcement]] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> "CycleLedger":
        """Read a ledger; one that does not exist yet is empty.

        Args:
            path: The file.

        Raises:
            InvalidDataError: A line is damaged, lost or repeated, or is no record of a ledger.
        """
        ledger = cls(path)
        for record in read_records(path, _RECORDS):
            ledger._apply(record)
        return ledger

    @property
    def plan(self) -> Plan | None:
        """The plan in force; None if no cycle was ever due."""
        return self.plans[-1] if self.plans else None

    @property
    def is_held(self) -> bool:
        """Whether no cycle is to be made until the schedule is released."""
        return self.hold is not None and self.hold.held

    def plan_of(self, init_time: np.datetime64) -> Plan | None:
        """Return the plan that a cycle follows; None if no cycle was ever due.

        Args:
            init_time: Init time of the cycle.
        """
        return next((plan for plan in reversed(self.plans) if plan.first <= init_time), None)

    def last_event(self, init_time: np.datetime64) -> CycleEvent | None:
        """Return what happened last to a cycle.

        Args:
            init_time: Init time of the cycle.
        """
        events = self.events.get(init_time)
        return events[-1] if events else None

    def scheduled(self) -> list[np.datetime64]:
        """Return the init times of the cycles that the schedule began, waited for or gave up; ascending.

        A forecast that was asked for by its init time is not among them, also once it is verified.
        """
        return sorted(
            time
            for time, events in self.events.items()
            if any(not event.asked and event.event != "verified" for event in events)
        )

    def append(self, record: Record) -> None:
        """Record something durably; that a cycle still waits for the same reason is not said twice.

        Args:
            record: What to record.

        Raises:
            InvalidDataError: The file is damaged.
            ConfigurationError: It cannot be written.
        """
        if isinstance(record, CycleEvent) and _same(self.last_event(record.init_time), record):
            return
        append_record(self.path, record)
        self._apply(record)

    def record(
        self,
        init_times: Sequence[np.datetime64],
        event: Event,
        reason: str = "",
        *,
        asked: bool = False,
        deadlines: Mapping[np.datetime64, np.datetime64 | None] | None = None,
    ) -> None:
        """Record the same event of several cycles.

        Args:
            init_times: Init times of the cycles.
            event: What happened.
            reason: Why, in one line.
            asked: Whether the cycles were asked for by their init times.
            deadlines: When each is late, as far as it is known.
        """
        for init_time in init_times:
            limit = (deadlines or {}).get(init_time)
            self.append(CycleEvent(init_time=init_time, event=event, reason=reason, asked=asked, deadline=limit))

    def _apply(self, record: Record) -> None:
        if isinstance(record, Plan):
            self.plans.append(record)
        elif isinstance(record, Hold):
            self.hold = record
        elif isinstance(record, Announcement):
            self.announcements.setdefault(record.init_time, {})[record.to] = record
        else:
            self.events.setdefault(record.init_time, []).append(record)


def _same(last: CycleEvent | None, record: CycleEvent) -> bool:
    return last is not None and record.event == last.event == "waiting" and last.reason == record.reason
