"""Spoilt files of every kind are refused in one line, or read; the campaign beside it spoils as many as wanted."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.malformed.kinds import KINDS

EACH = 2


@pytest.mark.slow
def test_spoilt_files_are_refused_in_one_line(tmp_path: Path) -> None:
    """In a process of its own: the campaign forks, and a process with threads must not."""
    out = tmp_path / "out"
    command = [sys.executable, "-m", "tests.malformed.campaign", "--files", str(EACH * len(KINDS)), "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    counts = json.loads((out / "counts.json").read_text())
    assert counts.keys() == {kind.name for kind in KINDS}
    assert all(sum(of_kind.values()) == EACH for of_kind in counts.values())
    assert sum(of_kind.get("refused", 0) for of_kind in counts.values()) > len(KINDS) / 2
