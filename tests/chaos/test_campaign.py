"""A cycle one of whose processes is killed is published all the same, once, with the same values."""

from pathlib import Path

from tests.chaos.campaign import campaign


def test_a_killed_cycle_is_published_once(tmp_path: Path) -> None:
    counts = campaign(tmp_path, cycles=1, seed=0, longest=15, ways=["ranks"])
    assert counts.cycles == 1
    assert counts.killed.total() + counts.survived.total() == 1
