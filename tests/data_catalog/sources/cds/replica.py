"""The Climate Data Store on this machine: its API, jobs that queue, and the files that they make."""

import hashlib
import io
import json
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any

import numpy as np

from data_catalog.catalog import DatasetEntry
from tests.data_catalog.sources.grib.writing import LATITUDE, LONGITUDE, message, on_level, weather

KEY = "00000000-secret-0000-0000-key"
SHORT = {
    "geopotential": "z", "temperature": "t", "u_component_of_wind": "u", "mean_sea_level_pressure": "msl",
    "2m_temperature": "2t", "land_sea_mask": "lsm",
}  # fmt: skip
LOCAL = {"setLocalDefinition": 1, "localDefinitionNumber": 1}
ENTRY = DatasetEntry.model_validate(
    {
        "name": "replica", "title": "x", "source": "cds", "location": "http://set.later", "step_hours": 12,
        "channels": ("z500", "t850", "msl", "t2m"), "static": ("orography", "lsm"), "period_start": date(2020, 1, 30),
        "period_end": date(2020, 2, 2), "licence": "Copernicus", "description": "x",
        "grid": {"latitude": (30.0, 60.0, 4), "longitude": (-10.0, 15.0, 6)},
    }
)  # fmt: skip


Make = Callable[["Replica", Mapping[str, Any]], bytes]


@dataclass
class Replica:
    """The service, what it was asked, and how it answers."""

    url: str = ""
    final_until: str = "2020-01-31"
    """Last day of the final release; later ones are preliminary, 0.5 larger."""
    last_day: str = "2020-12-31"
    """Last day that is published."""
    polls: int = 1
    """How often a job is asked for before it is done."""
    fates: list[str] = field(default_factory=list)
    """What becomes of the next requests: `done`, `failed`, `rejected`, `licence`, `cost`, `invalid`, `hangs`."""
    faults: list[int | bytes] = field(default_factory=list)
    """Status, or body with status 200, of the next answers of the API."""
    damage: list[Callable[[bytes], bytes]] = field(default_factory=list)
    """What happens to the next bodies of files."""
    most_days: int = 31
    states_checksum: bool = True
    make: Make = field(default=lambda replica, inputs: grib(replica, inputs))
    submitted: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    keys: set[str | None] = field(default_factory=set)
    """Keys that came with requests for files, which need none."""
    lock: Lock = field(default_factory=Lock)


def grib(replica: Replica, inputs: Mapping[str, Any]) -> bytes:
    """The messages of a request, each with its release."""
    found = []
    for day in days_of(inputs):
        if day > replica.last_day:
            continue
        for time in inputs["time"]:
            keys = {"dataDate": int(day.replace("-", "")), "dataTime": int(time[:2]) * 100, **LOCAL}
            keys["expver"] = "0001" if day <= replica.final_until else "0005"
            for variable in inputs["variable"]:
                for level in inputs.get("pressure_level", [None]):
                    values = value(replica, variable, day, time, level)
                    short = SHORT[variable]
                    packed = message(short, values=values, edition=1, **keys) if level is None else on_level(
                        short, int(level), values=values, edition=1, **keys
                    )  # fmt: skip
                    found.append(packed)
    return b"".join(found)


def value(replica: Replica, variable: str, day: str, time: str, level: str | None) -> np.ndarray:
    """What the service has at a place and time."""
    short = SHORT[variable]
    if level is None and short in ("z", "lsm"):
        return np.full((4, 6), 0.5 if short == "lsm" else 980.665)
    shift = 0.1 * int(day[-2:]) + 0.05 * int(time[:2]) + (0.0 if day <= replica.final_until else 0.5)
    return weather(short, LATITUDE[:, None], LONGITUDE, shift)


def expected(replica: "Replica", variable: str, level: str | None = None) -> np.ndarray:
    """What the service has at all times of the dataset."""
    days = ["2020-01-30", "2020-01-31", "2020-02-01", "2020-02-02"]
    return np.stack([value(replica, variable, day, time, level)[::-1] for day in days for time in ("00:00", "12:00")])


def days_of(inputs: Mapping[str, Any]) -> list[str]:
    """The days of a request."""
    return [f"{inputs['year'][0]}-{inputs['month'][0]}-{day}" for day in inputs["day"]]


def zipped(members: Mapping[str, bytes]) -> bytes:
    """A zip of files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


@contextmanager
def serving(replica: Replica) -> Iterator[Replica]:
    """Serve for as long as the context lasts."""

    class Handler(_Handler):
        served = replica

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    replica.url = f"http://127.0.0.1:{server.server_port}/api"
    try:
        yield replica
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    served: Replica

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        with self.served.lock:
            if path.startswith("/cache/"):
                self.served.keys.add(self.headers.get("PRIVATE-TOKEN"))
                self._send_file(self.served.jobs[path.rpartition("/")[2]]["content"])
            elif path == "/api/catalogue/v1/messages":
                self._json(200, {"messages": []})
            elif not self._failed():
                self._answer(path)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with self.served.lock:
            if not self._failed():
                collection = self.path.split("/")[5]
                self._submit(collection, json.loads(body)["inputs"])

    def _failed(self) -> bool:
        if self.headers.get("PRIVATE-TOKEN") != KEY:
            self._json(401, {"title": "authentication required", "detail": "unknown key"})
            return True
        fault = self.served.faults.pop(0) if self.served.faults else None
        if fault is not None:
            self._send(fault if isinstance(fault, int) else 200, fault if isinstance(fault, bytes) else b"", {})
        return fault is not None

    def _submit(self, collection: str, inputs: Mapping[str, Any]) -> None:
        served, fate = self.served, self.served.fates.pop(0) if self.served.fates else "done"
        if fate == "licence":
            detail = "please accept the licences of this dataset: https://example.org/licence"
            self._json(403, {"title": "required licences not accepted", "detail": detail})
        elif fate == "cost" or len(inputs["day"]) > served.most_days:
            self._json(403, {"title": "cost limits exceeded", "detail": "Your request is too large."})
        elif fate == "invalid":
            self._json(400, {"title": "invalid request", "detail": "no valid combination of values"})
        else:
            served.submitted.append((collection, inputs))
            job = f"job-{len(served.jobs)}"
            served.jobs[job] = {"inputs": inputs, "fate": fate, "polls": 0, "content": b""}
            self._json(201, self._job(job, "accepted"))

    def _job(self, job: str, status: str) -> dict[str, Any]:
        place = f"{self.served.url}/retrieve/v1/jobs/{job}"
        links = [{"rel": "self", "href": place}, {"rel": "monitor", "href": place}]
        if status in ("successful", "failed", "rejected"):
            links.append({"rel": "results", "href": f"{place}/results"})
        created = "2020-01-01T00:00:00"
        return {"processID": "x", "jobID": job, "status": status, "created": created, "updated": created,
                "metadata": {"log": []}, "links": links}  # fmt: skip

    def _answer(self, path: str) -> None:
        found = re.fullmatch(r"/api/retrieve/v1/jobs/([^/]+)(/results)?", path)
        if found is None:
            self._json(200, {"id": path.rpartition("/")[2], "links": []})
        elif found[1] not in self.served.jobs:
            self._json(404, {"title": "job not found", "detail": found[1]})
        elif found[2]:
            self._results(found[1])
        else:
            job = self.served.jobs[found[1]]
            job["polls"] += 1
            waits = job["fate"] == "hangs" or job["polls"] <= 2 * self.served.polls
            state = ("accepted" if job["polls"] % 2 else "running") if waits else self._fate(job)
            self._json(200, self._job(found[1], state))

    def _fate(self, job: Mapping[str, Any]) -> str:
        """Days that are not published yet make a job fail."""
        is_there = min(days_of(job["inputs"])) <= self.served.last_day
        return {"done": "successful" if is_there else "failed"}.get(job["fate"], job["fate"])

    def _results(self, number: str) -> None:
        job = self.served.jobs[number]
        if self._fate(job) != "successful":
            detail = "MARS has an error" if job["fate"] != "done" else "None of the data is available yet."
            self._json(400, {"title": f"The job has {self._fate(job)}", "traceback": detail})
            return
        job["content"] = job["content"] or self.served.make(self.served, job["inputs"])
        value = {"type": "application/x-grib", "href": f"{self.served.url.removesuffix('/api')}/cache/{number}",
                 "file:size": len(job["content"]), "file:local_path": f"s3://cache/{number}"}  # fmt: skip
        if self.served.states_checksum:
            value["file:checksum"] = hashlib.md5(job["content"]).hexdigest()
        self._json(200, {"asset": {"value": value}})

    def _send_file(self, content: bytes) -> None:
        size, wanted = len(content), re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        first, last = (int(wanted[1]), min(int(wanted[2]), size - 1)) if wanted else (0, size - 1)
        body = content[first : last + 1]
        if self.served.damage and self.command == "GET":
            body = self.served.damage.pop(0)(body)
        headers = {"Content-Range": f"bytes {first}-{first + len(body) - 1}/{size}"} if wanted else {}
        self._send(206 if wanted else 200, body, headers)

    def _json(self, status: int, content: Mapping[str, Any]) -> None:
        self._send(status, json.dumps(content).encode(), {"Content-Type": "application/json"})

    def _send(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, text in headers.items():
            self.send_header(name, text)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Last-Modified", "Wed, 01 Jan 2020 00:00:00 GMT")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
