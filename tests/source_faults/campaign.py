"""Spoil answers of remote stores at random, and count what an ingest makes of each.

    python -m tests.source_faults.campaign --faults 1000
    python -m tests.source_faults.campaign --faults 1000 --stating etag
    python -m tests.source_faults.campaign --sample 600

Replicas of ARCO-ERA5 and WeatherBench2, and of stores that are read by ranges of files (GFS, ECMWF's open data,
references of kerchunk, yearly NetCDF), are served from this machine over HTTP and S3. Transient faults come ten to an
ingest, each on an object of its own and once or twice; a permanent fault comes alone. A transient fault is survived if
the archive holds the values of the store, bit by bit. A permanent one is named if the ingest ends in one line, with
status 2 or 3, and what had entered the archive is right. `--sample` flips bits of every chunk once, reads
each by itself with the usual share read twice, and prints what came of the flips.
"""

import argparse
import os
import random
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, count, repeat
from pathlib import Path
from typing import get_args
from unittest.mock import patch

import numpy as np
import xarray as xr

from data_catalog.archive.ingest import ingest
from data_catalog.archive.reading import open_archive
from data_catalog.catalog import DatasetEntry
from data_catalog.errors import MissingDataError, PlumecastError
from data_catalog.sources.open_source import open_source
from tests.source_faults.range_replicas import expected_of, range_entries, write_ranges
from tests.source_faults.replicas import STORE, arco_era5, weatherbench2, write_store
from tests.source_faults.server import LIMIT_S, Fault, FaultyServer, Kind, Stating

KINDS: tuple[Kind, ...] = get_args(Kind)
_TRANSIENT_SHARE = 0.8
_FAULTS_AT_ONCE = 10
_LONG_S = 300.0
"""Seconds for which a transient outage is waited out: on a busy machine right answers come too late as well."""
_RANGED = (".f000", ".grib2", ".bin", ".nc")
"""Ends of the names of files that are read by ranges."""
_FIELDS = ("temperature/", "2m_temperature/", "mean_sea_level_pressure/")


@dataclass(frozen=True)
class Replica:
    """A store on disk, and what is right to read from it.

    Attributes:
        entry: The dataset.
        directory: Directory that is served.
        expected: The analysis, read from the disk.
    """

    entry: DatasetEntry
    directory: Path
    expected: xr.Dataset
    below: str = ""
    """Path of the location below the store."""

    @property
    def is_ranged(self) -> bool:
        """Whether files are read by ranges."""
        return self.entry.source not in ("arco-era5", "weatherbench2")

    def objects(self) -> list[str]:
        """Names of the objects that an ingest needs."""
        store = self.directory / STORE
        names = [str(path.relative_to(store)) for path in store.rglob("*") if path.is_file()]
        if self.is_ranged:
            return sorted(names)
        return sorted(name for name in names if name == ".zmetadata" or self._is_needed(name))

    def _is_needed(self, name: str) -> bool:
        array, _, chunk = name.partition("/")
        if not chunk or chunk.startswith("."):
            return False
        if self.entry.source != "arco-era5" or not chunk.count(".") or array == "land_sea_mask":
            return True
        hour = int(chunk.partition(".")[0])
        return hour % self.entry.step_hours == 0 and hour // self.entry.step_hours < self.expected.sizes["time"]


@dataclass(frozen=True)
class Outcome:
    """What came of a fault at a kind of source: `survived`, `named`, or what should not be."""

    kind: str
    is_permanent: bool
    result: str
    source: str

    @property
    def is_right(self) -> bool:
        """Whether it is what should come of such a fault."""
        return self.result == ("named" if self.is_permanent else "survived")


def make_replicas(place: Path) -> list[Replica]:
    """Write a store in each layout.

    Args:
        place: Directory to write to.
    """
    replicas = []
    for entry in (arco_era5(), weatherbench2()):
        directory = place / entry.source
        store = write_store(entry, directory)
        replicas.append(Replica(entry, directory, open_source(entry, str(store)).load()))
    return replicas


def make_range_replica(entry: DatasetEntry, place: Path) -> Replica:
    """Write a store of `range_entries` to a directory, and read it where nothing fails."""
    directory = place / entry.source
    below = write_ranges(entry, directory)
    server = FaultyServer(directory)
    with hurried(0.0, _LONG_S):
        expected = expected_of(entry, open_source(entry, f"{server.endpoint}/{STORE}{below}"))
    server.close()
    return Replica(entry, directory, expected, below)


@contextmanager
def hurried(read_twice: float | None, patience_s: float) -> Iterator[None]:
    """Wait for hundredths of a second where ingests wait for minutes, and read each chunk by itself, as large ones are.

    Args:
        read_twice: Share of the chunks that are read twice; None for the usual one.
        patience_s: For how many seconds an outage is waited out.
    """
    variables = {"PLUMECAST_PATIENCE": str(patience_s), "AWS_REGION": "us-east-1"}
    if read_twice is not None:
        variables["PLUMECAST_READ_TWICE"] = str(read_twice)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PLUMECAST_"))}
    sources, storage = "data_catalog.sources", "data_catalog.storage"
    with (
        patch.dict(os.environ, kept | variables, clear=True),
        patch(f"{storage}.patience.Patience.waits", lambda self: chain([0.01, 0.02, 0.05, 0.1], repeat(0.2))),
        patch(f"{storage}.object_stores._LONGEST_ANSWER", f"{LIMIT_S:g}s"),
        patch(f"{sources}.zarr_stores._BLOCK_BYTES", 0),
        patch(f"{sources}.arco_era5._BLOCK_BYTES", 0),
        patch("os.fsync", lambda descriptor: None),
    ):
        yield


def ingested(replica: Replica, server: FaultyServer, transport: str, archive: Path) -> PlumecastError | None:
    """Ingest from a server; return the error that ended it, if one did.

    Args:
        replica: What is served.
        server: The server.
        transport: `http` or `s3`.
        archive: Directory of the archive.
    """
    location = (f"{server.endpoint}/{STORE}" if transport == "http" else f"s3://bucket/{STORE}") + replica.below
    with patch.dict(os.environ, {"AWS_ENDPOINT_URL": server.endpoint}):
        try:
            ingest(replica.entry, open_source(replica.entry, location), archive)
        except PlumecastError as error:
            return error
    return None


def wrong_values(replica: Replica, archive: Path) -> xr.Dataset:
    """Return where archived values are not those of the store.

    Args:
        replica: The store.
        archive: Directory of an archive.
    """
    try:
        found = open_archive(archive).load()
    except MissingDataError:  # no time has entered it yet
        return xr.Dataset()
    expected = replica.expected.sel(time=found["time"])
    for name in ("latitude", "longitude"):
        assert found[name].equals(expected[name]), name
    return xr.Dataset({name: ~(found[name] == expected[name]) for name in expected.data_vars})


def run_faults(replica: Replica, faults: list[Fault], transport: str, stating: Stating, archive: Path) -> str:
    """Ingest from a store with faults; return what came of it.

    Args:
        replica: The store.
        faults: The faults, on different objects.
        transport: `http` or `s3`.
        stating: What the store states of its objects.
        archive: Directory of an archive, to be made.
    """
    server = FaultyServer(replica.directory, stating, faults)
    try:
        error = ingested(replica, server, transport, archive)
    except Exception as fault_of_ours:
        return f"a fault of ours: {type(fault_of_ours).__name__}: {fault_of_ours}"
    finally:
        server.close()
    if archive.exists() and _any(wrong_values(replica, archive)):
        return "wrong values entered the archive"
    if error is None:
        complete = open_archive(archive).sizes["time"] == replica.expected.sizes["time"]
        return "survived" if complete else "missing times"
    return "named" if _is_one_line(error) else f"told badly: {error}"


def _any(wrong: xr.Dataset) -> bool:
    return any(bool(field.any()) for field in wrong.values())


def _is_one_line(error: PlumecastError) -> bool:
    said = str(error)
    return "\n" not in said and STORE in said and "expected" in said


def random_case(rng: random.Random, replica: Replica) -> list[Fault]:
    """Draw the faults of one ingest: several transient ones, or a permanent one.

    Args:
        rng: Source of chance.
        replica: The store.
    """
    keys, seed = replica.objects(), rng.randrange(10**6)
    if rng.random() < _permanent_ingests():
        return [Fault.permanent(rng.choice(KINDS), rng.choice(keys), seed)]
    # All coordinates are asked for together, and again together: one fault at a time in them.
    opening = [key for key in keys if not key.startswith(_FIELDS) and not key.endswith(_RANGED)]
    fields = sorted(set(keys) - set(opening))
    chosen = [rng.choice(opening)] if opening else []
    chosen += rng.sample(fields, min(len(fields), _FAULTS_AT_ONCE - len(chosen)))
    return [Fault(rng.choice(KINDS), key, rng.randint(1, 2), seed + 10 * at) for at, key in enumerate(chosen)]


def _permanent_ingests() -> float:
    """Share of the ingests that have a permanent fault, so that of the faults this is as it should be."""
    permanent = 1 - _TRANSIENT_SHARE
    return permanent / (permanent + _TRANSIENT_SHARE / _FAULTS_AT_ONCE)


def run_campaign(replicas: list[Replica], place: Path, wanted: int, seed: int, stating: Stating) -> list[Outcome]:
    """Try so many faults, over HTTP and S3 in turn.

    Args:
        replicas: The stores.
        place: Directory for archives.
        wanted: How many faults.
        seed: Selects them.
        stating: What the stores state of their objects; with nothing stated, everything is read twice.
    """
    rng, outcomes = random.Random(seed), list[Outcome]()
    for number in count():
        if len(outcomes) >= wanted:
            break
        replica, transport = replicas[number % len(replicas)], ("http", "s3")[number // len(replicas) % 2]
        faults = random_case(rng, replica)
        patience_s = 3 * LIMIT_S if faults[0].is_permanent else _LONG_S
        with hurried(1.0 if stating == "nothing" else 0.0, patience_s):
            result = run_faults(replica, faults, transport, stating, place / "archive.zarr")
        came = [
            Outcome(fault.kind, fault.is_permanent, result, replica.entry.source) for fault in faults if fault.delivered
        ]
        if not all(one.is_right for one in came):
            print(f"seed {seed}, ingest {number}, {replica.entry.source}, {transport}: {faults}: {result}", flush=True)
        outcomes += came
        shutil.rmtree(place / "archive.zarr", ignore_errors=True)
    return outcomes


def run_sample(replica: Replica, wanted: int, seed: int, read_twice: float | None = None) -> Counter[str]:
    """Flip bits of every chunk of an ARCO-ERA5 replica once, and read each by itself.

    Args:
        replica: Of ARCO-ERA5, where a chunk is one time of one variable.
        wanted: How many flips.
        seed: Selects them.
        read_twice: Share of the chunks that are read twice; None for the usual one.

    Returns:
        Number of flips after which the right values were read (`survived`), of those named in one line (`named`), and
        of those that nobody saw (`entered`).
    """
    rng, found = random.Random(seed), Counter[str]()
    chunks = [key for key in replica.objects() if key.startswith(("2m_temperature/", "mean_sea"))]
    with hurried(read_twice, _LONG_S):
        while found.total() < wanted:
            faults = [Fault("flip", key, 1, rng.randrange(10**6)) for key in chunks]
            server = FaultyServer(replica.directory, "nothing", faults)
            analysis = open_source(replica.entry, f"{server.endpoint}/{STORE}")
            for name in ("t2m", "msl"):
                for at in range(analysis.sizes["time"]):
                    found[_read_one(analysis[name].isel(time=[at]), replica.expected[name].isel(time=[at]))] += 1
            server.close()
            assert server.delivered.total() == len(chunks)
    return found


def _read_one(field: xr.DataArray, expected: xr.DataArray) -> str:
    try:
        return "survived" if np.array_equal(field.values, expected.values) else "entered"
    except PlumecastError as error:
        return "named" if _is_one_line(error) else f"told badly: {error}"


def _print(outcomes: list[Outcome]) -> None:
    every = Counter((one.is_permanent, one.kind) for one in outcomes)
    right = Counter((one.is_permanent, one.kind) for one in outcomes if one.is_right)
    for is_permanent, kind in sorted(every):
        name = f"{kind}, {'always' if is_permanent else 'once or twice'}"
        print(f"{name:26}{right[is_permanent, kind]:6d} of {every[is_permanent, kind]}")
    of_source = Counter(one.source for one in outcomes)
    right_of = Counter(one.source for one in outcomes if one.is_right)
    for source, total in of_source.items():
        print(f"{source:26}{right_of[source]:6d} of {total}")


def main() -> int:
    """Run what the command line asks for; return 1 if anything came out wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faults", type=int, default=0, help="how many faults")
    parser.add_argument("--sample", type=int, default=0, help="how many flips, with the usual share read twice")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--stating", choices=get_args(Stating), default="nothing")
    parser.add_argument("--stores", choices=("all", "chunks", "ranges"), default="all", help="which of them")
    given = parser.parse_args()
    place = Path(tempfile.mkdtemp(prefix="source-faults-"))
    try:
        replicas = make_replicas(place) if given.stores != "ranges" or given.sample else []
        ranged = [make_range_replica(one, place) for one in range_entries()] if given.stores != "chunks" else []
        chosen = ranged if given.stores == "ranges" else [*replicas, *ranged]
        outcomes = run_campaign(chosen, place, given.faults, given.seed, given.stating)
        _print(outcomes)
        if given.sample:
            print(dict(run_sample(replicas[0], given.sample, given.seed)))
        return int(not all(one.is_right for one in outcomes))
    finally:
        shutil.rmtree(place)


if __name__ == "__main__":
    np.seterr(all="ignore")
    sys.exit(main())
