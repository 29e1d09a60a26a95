"""The cores that a process may use: by affinity, by quota, and what the machine has where neither is known."""

from pathlib import Path

import pytest

from data_catalog import cores
from data_catalog.cores import usable_cores


@pytest.mark.parametrize(
    ("quota", "expected"),
    [("max 100000\n", 8), ("200000 100000\n", 2), ("150000 100000\n", 2), ("1000 100000\n", 1), ("16000000 1000\n", 8)],
)
def test_a_quota_limits_the_cores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quota: str, expected: int) -> None:
    (tmp_path / "cpu.max").write_text(quota)
    monkeypatch.setattr(cores, "_QUOTA", tmp_path / "cpu.max")
    monkeypatch.setattr("os.sched_getaffinity", lambda _process: set(range(8)), raising=False)
    assert usable_cores() == expected


def test_without_affinity_the_cores_of_the_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cores, "_QUOTA", tmp_path / "absent")
    monkeypatch.delattr("os.sched_getaffinity", raising=False)
    for found, expected in ((7, 7), (None, 1)):
        monkeypatch.setattr("os.cpu_count", lambda found=found: found)
        assert usable_cores() == expected
