"""Spoilt files of every kind are refused in one line, or read; the campaign beside it spoils as many as wanted."""

from pathlib import Path

import pytest

from tests.malformed.campaign import campaign
from tests.malformed.kinds import KINDS

FILES = 3 * len(KINDS)


@pytest.mark.slow
def test_spoilt_files_are_refused_in_one_line(tmp_path: Path) -> None:
    counts, faults = campaign(tmp_path, FILES, seed=0)
    assert faults == []
    assert all(sum(of_kind.values()) == 3 for of_kind in counts.values())
    assert sum(of_kind["refused"] for of_kind in counts.values()) > FILES / 3
