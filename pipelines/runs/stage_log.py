"""The log of a cycle: a JSON object a line for each event of each stage, beside the run directory.

It is no file of the run: it also tells of cycles that were never published and of what came after publication, and the
manifest does not list it. A stage that has begun and neither ended nor failed was killed.
"""

import logging
import resource
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from data_catalog.clock import utc_now
from data_catalog.errors import InvalidDataError, PlumecastError, without_secrets
from data_catalog.storage.small_files import read_small
from forecast.products.files.runs import RunDirectory
from forecast.system.cycles import cycle_name

logger = logging.getLogger("plumecast")
Event = Literal["begun", "computed", "done", "failed"]
LOG_SUFFIX = ".log.jsonl"
_MAX_RSS_BYTES = 1024
"""Linux counts the resident set in KiB."""


class StageEvent(BaseModel):
    """One line of the log."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: str
    """Time of day, UTC, ISO 8601."""
    system: str
    cycle: str
    """Init time, as in the name of the run directory."""
    stage: str
    event: Event
    """`computed`: members have reached their last lead time."""
    seconds: float | None = None
    """Since the stage began."""
    members: tuple[int, int] | None = None
    """First and last member that the event concerns."""
    size: Annotated[int, Field(ge=0)] | None = None
    """Bytes of what the stage wrote."""
    memory: int | None = None
    """Largest resident set of this process so far, bytes."""
    reason: str = ""


def log_path(run: RunDirectory) -> Path:
    """Return the path of the log of a cycle."""
    return run.path.with_name(f"{run.path.name}{LOG_SUFFIX}")


@dataclass(frozen=True)
class StageLog:
    """Writes the events of one stage of a cycle, from its beginning on.

    Attributes:
        run: The run of the cycle.
        stage: Name of the stage.
        begun: When it began, as `time.monotonic` counts.
    """

    run: RunDirectory
    stage: str
    begun: float = field(default_factory=time.monotonic)

    def note(self, event: Event, *, members: Sequence[int] = (), size: int | None = None, reason: str = "") -> None:
        """Append an event; a log that cannot be written fails no stage.

        Args:
            event: What happened.
            members: Members that it concerns.
            size: Bytes of what was written.
            reason: Why it failed, in one line.
        """
        line = StageEvent(
            at=utc_now().isoformat(timespec="milliseconds"),
            system=self.run.system_name,
            cycle=cycle_name(self.run.init_time),
            stage=self.stage,
            event=event,
            seconds=None if event == "begun" else round(time.monotonic() - self.begun, 3),
            members=(min(members), max(members)) if members else None,
            size=size,
            memory=None if event == "begun" else peak_memory(),
            reason=reason,
        )
        _append(log_path(self.run), line.model_dump_json(exclude_defaults=True))


@contextmanager
def logged(run: RunDirectory, stage: str, *outputs: Path, members: Sequence[int] = ()) -> Iterator[StageLog]:
    """Log the beginning of a stage, and its end or why it failed.

    Args:
        run: The run of the cycle.
        stage: Name of the stage.
        outputs: Files and directories that it writes, whose size is logged.
        members: Members that it makes.

    Yields:
        The log, for events in between.
    """
    log = StageLog(run, stage)
    log.note("begun", members=members)
    try:
        yield log
    except BaseException as error:
        log.note("failed", reason=_reason(error))
        raise
    log.note("done", members=members, size=sum(map(size_of, outputs)) if outputs else None)


def read_log(run: RunDirectory) -> list[StageEvent]:
    """Read the log of a cycle; a cycle without one has no events, and a line cut off by a kill is left out.

    Args:
        run: The run of the cycle.
    """
    try:
        lines = read_small(log_path(run)).splitlines()
    except (FileNotFoundError, InvalidDataError):
        return []
    events = []
    for line in lines:
        try:
            events.append(StageEvent.model_validate_json(line))
        except ValidationError:
            logger.debug("%s: a line is no event", log_path(run))
    return events


def peak_memory() -> int:
    """Return the largest resident set of this process so far, bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _MAX_RSS_BYTES


def size_of(path: Path) -> int:
    """Return the bytes of a file, or of all files of a directory; 0 of what is not there."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())


def _append(path: Path, line: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab", buffering=0) as file:
            file.write(f"{line}\n".encode())  # one write, so that lines of two processes do not mix
    except OSError as error:
        logger.warning("%s: not written: %s", path, error.strerror)


def _reason(error: BaseException) -> str:
    """Return what an error says, in one line without secrets."""
    words = " ".join(without_secrets(str(error)).split())
    return words if isinstance(error, PlumecastError) else f"{type(error).__name__}: {words}"
