"""A short form of the campaign; the script tries a thousand faults."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.source_faults.campaign import (
    Replica,
    hurried,
    make_range_replica,
    make_replicas,
    run_faults,
    run_sample,
)
from tests.source_faults.range_replicas import range_entries
from tests.source_faults.server import Fault, Kind, Stating


@pytest.fixture(scope="module")
def replicas(tmp_path_factory: pytest.TempPathFactory) -> list[Replica]:
    return make_replicas(tmp_path_factory.mktemp("replicas"))


@pytest.mark.parametrize(
    ("number", "transport", "stating"), [(0, "http", "google"), (1, "s3", "etag"), (1, "http", "nothing")]
)
def test_transient_faults_are_survived(
    replicas: list[Replica], tmp_path: Path, number: int, transport: str, stating: Stating
) -> None:
    kinds: tuple[Kind, ...] = ("404", "403", "503", "reset", "cut", "short", "flip", "html")
    chunks = [key for key in replicas[number].objects() if key.startswith(("2m", "mean"))]
    faults = [Fault(kind, key, 1 + at % 2, at) for at, (kind, key) in enumerate(zip(kinds, chunks, strict=False))]
    faults.append(Fault("flip", "latitude/0"))
    with hurried(1.0 if stating == "nothing" else 0.0, 20.0):
        assert run_faults(replicas[number], faults, transport, stating, tmp_path / "a.zarr") == "survived"


@pytest.mark.parametrize("kind", ["404", "403", "503", "flip"])
def test_a_permanent_fault_is_named_in_one_line(replicas: list[Replica], tmp_path: Path, kind: Kind) -> None:
    (chunk,) = (key for key in replicas[1].objects() if key == "temperature/1.0.0.0")
    with hurried(1.0, 0.1):
        fault = Fault.permanent(kind, chunk)
        assert run_faults(replicas[1], [fault], "http", "nothing", tmp_path / "a.zarr") == "named"


def test_other_values_than_those_of_the_store_are_seen(replicas: list[Replica], tmp_path: Path) -> None:
    other = replace(replicas[1], expected=replicas[1].expected + 1)
    with hurried(0.0, 20.0):
        assert run_faults(other, [], "http", "nothing", tmp_path / "a.zarr") == "wrong values entered the archive"


def test_of_flips_the_sample_finds_some_and_reading_twice_all(replicas: list[Replica]) -> None:
    assert run_sample(replicas[0], 32, 0, read_twice=1.0) == {"survived": 32}
    once = run_sample(replicas[0], 32, 0, read_twice=0.0)
    assert once.total() == 32
    assert once["entered"] > 10


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Replica:
    """The bucket of GFS, whose files are read by ranges."""
    return make_range_replica(range_entries()[0], tmp_path_factory.mktemp("bucket"))


def test_faults_of_ranges_are_survived(bucket: Replica, tmp_path: Path) -> None:
    kinds: tuple[Kind, ...] = ("404", "403", "503", "reset", "cut", "short", "flip", "html")
    files = [key for key in bucket.objects() if key.endswith(".f000")]
    faults = [Fault(kind, key, 1 + at % 2, at) for at, (kind, key) in enumerate(zip(kinds, files, strict=False))]
    faults.append(Fault("flip", f"{files[-1]}.idx", 1))
    with hurried(1.0, 20.0):
        assert run_faults(bucket, faults, "http", "nothing", tmp_path / "a.zarr") == "survived"
    assert all(fault.delivered for fault in faults)


@pytest.mark.parametrize("kind", ["flip", "404"])
def test_a_permanent_fault_of_a_range_is_named(bucket: Replica, tmp_path: Path, kind: Kind) -> None:
    file = next(key for key in bucket.objects() if key.endswith(".f000"))
    with hurried(1.0, 0.1):
        result = run_faults(bucket, [Fault.permanent(kind, file)], "s3", "nothing", tmp_path / "a.zarr")
    assert result == "named"
