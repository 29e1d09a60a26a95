"""Jobs of the Climate Data Store, remembered on disk: whoever is killed while waiting goes on waiting for the same one.

Of each request a file holds the number of its job, and another one what came of it. Both are kept for some days, so
that an ingest that is run again asks for nothing twice, and sees in time what the service has replaced.
"""

import hashlib
import json
import logging
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from data_catalog.clock import utc_now
from data_catalog.errors import InvalidDataError, UnreachableError
from data_catalog.sources.cds.demands import Demand
from data_catalog.sources.cds.service import Asset, GoneError, Service, TooCostlyError, is_not_there_yet
from data_catalog.sources.remote_files import RemoteFile, fetch
from data_catalog.storage.atomic_files import atomic_path, write_durably
from data_catalog.storage.patience import ask, patience_for

WAIT_VARIABLE = "PLUMECAST_CDS_WAIT"
"""Environment variable: for how many seconds a job is waited for before an ingest ends, to be run again later."""
_WAIT_S = 24 * 3600.0
_FIRST_POLL_S, _LONGEST_POLL_S = 1.0, 60.0
_JOB_DAYS, _RESULT_DAYS = 10.0, 1.0
_TRIES = 3
_KEPT_BYTES = 20 * 1024**3
_DAY_S = 24 * 3600.0
_PENDING = ("accepted", "running", "queued")
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Result:
    """What came of a request.

    Attributes:
        demand: The request.
        path: The file.
    """

    demand: Demand
    path: Path


@dataclass
class Jobs:
    """The jobs that one directory remembers.

    Attributes:
        service: The API.
        directory: Where jobs and results are kept.
    """

    service: Service
    directory: Path

    def results(self, demands: Sequence[Demand]) -> tuple[list[Result], list[tuple[Demand, str]]]:
        """Ask for everything at once, then wait for one after the other.

        Args:
            demands: What to ask for; one that is too large is split.

        Returns:
            The files, and the requests for what is not there yet, each with what the service says.

        Raises:
            UnreachableError: A job fails again and again, or takes too long.
            ConfigurationError: The key is refused, or a licence is not accepted.
        """
        self._forget_old()
        there: list[Result] = []
        lacking: list[tuple[Demand, str]] = []
        for demand in [part for one in demands for part in self._submitted(one)]:
            try:
                there.append(Result(demand, self._result(demand)))
            except NotYetError as error:
                lacking.append((demand, str(error)))
        return there, lacking

    def _submitted(self, demand: Demand) -> list[Demand]:
        """Submit a request unless it is remembered, in parts if need be; return the parts."""
        if self._file(demand).exists() or self._job(demand) is not None:
            return [demand]
        try:
            self._submit(demand)
        except TooCostlyError as error:
            if not demand.halves():
                raise InvalidDataError(
                    f"{self._what(demand)}: expected a day within the limits, found {error}"
                ) from None
            return [part for half in demand.halves() for part in self._submitted(half)]
        return [demand]

    def _submit(self, demand: Demand) -> str:
        job = self.service.submit(demand)
        record = {"job": job, "url": self.service.url, "request": demand.inputs()}
        write_durably(self._note(demand), json.dumps(record, indent=1))
        _LOG.info("%s: asked for, job %s", self._what(demand), job)
        return job

    def _result(self, demand: Demand) -> Path:
        """Return the file of a request, once its job is done."""
        path, said = self._file(demand), "unknown"
        if path.exists():
            return path
        for _ in range(_TRIES):
            job = self._job(demand) or self._submit(demand)
            try:
                state = self._awaited(job, demand)
                if state == "successful":
                    return self._fetched(self.service.asset(job, demand), demand)
                said = self.service.why_failed(job, demand)
            except GoneError:
                state, said = "gone", "the service no longer knows the job"
            self._note(demand).unlink(missing_ok=True)
            if is_not_there_yet(said):
                raise NotYetError(said)
            if state == "rejected":
                raise InvalidDataError(f"{self._what(demand)}: expected a job to be done, found it rejected: {said}")
        raise UnreachableError(f"{self._what(demand)}: expected data, found a job that failed {_TRIES} times: {said}")

    def _awaited(self, job: str, demand: Demand) -> str:
        """Return the state of a job once it is done."""
        started, wait, before = time.monotonic(), _FIRST_POLL_S, ""
        while (state := self.service.state(job, demand)) in _PENDING:
            if state != before:
                _LOG.info("%s: job %s is %s", self._what(demand), job, state)
            if time.monotonic() - started > float(os.environ.get(WAIT_VARIABLE) or _WAIT_S):
                raise UnreachableError(
                    f"{self._what(demand)}: expected a job to be done, found it {state}; run it again to go on waiting"
                )
            before = state
            time.sleep(wait)
            wait = min(1.5 * wait, _LONGEST_POLL_S)
        return state

    def _fetched(self, asset: Asset, demand: Demand) -> Path:
        path, file = self._file(demand), RemoteFile.at(asset.url)

        def fetched() -> None:
            with atomic_path(path) as partial:
                fetch(file, asset.size, partial)
                if len(asset.checksum) == 32 and _md5(partial) != asset.checksum:
                    raise InvalidDataError(f"{file.name}: expected the MD5 that the service states, found another")

        ask(fetched, patience_for(asset.url), asset.url)
        return path

    def _forget_old(self) -> None:
        """Remove jobs and results that are too old, and the oldest results beyond a size."""
        now = utc_now().timestamp()
        for pattern, days in (("*.json", _JOB_DAYS), ("*.data", _RESULT_DAYS)):
            for path in self.directory.glob(pattern):
                if now - path.stat().st_mtime > days * _DAY_S:
                    path.unlink(missing_ok=True)
                    if pattern == "*.data":
                        path.with_suffix(".json").unlink(missing_ok=True)
        newest = sorted(self.directory.glob("*.data"), key=lambda path: -path.stat().st_mtime)
        kept = 0
        for path in newest:
            kept += path.stat().st_size
            if kept > _KEPT_BYTES:
                path.unlink(missing_ok=True)

    def _job(self, demand: Demand) -> str | None:
        try:
            found = json.loads(self._note(demand).read_text())
            return str(found["job"]) if found["url"] == self.service.url else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _note(self, demand: Demand) -> Path:
        return self.directory / f"{demand.key}.json"

    def _file(self, demand: Demand) -> Path:
        return self.directory / f"{demand.key}.data"

    def _what(self, demand: Demand) -> str:
        return f"{self.service.url}: {demand.words}"


class NotYetError(Exception):
    """A request for days that the service does not have yet."""


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
