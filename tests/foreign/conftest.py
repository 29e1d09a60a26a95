"""Short forms of the campaigns: some seeds in a test."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.foreign.campaign import WRONG, Outcome

CheckSeeds = Callable[[Callable[[int, Path], Outcome], range], None]


@pytest.fixture
def check_seeds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CheckSeeds:
    """A function that runs seeds, each in a home of its own: none may end wrongly, and at most one be too narrow."""

    def check(run: Callable[[int, Path], Outcome], seeds: range) -> None:
        outcomes = []
        for seed in seeds:
            directory = tmp_path / str(seed)
            directory.mkdir()
            monkeypatch.setenv("PLUMECAST_HOME", str(directory / "home"))
            outcomes.append(run(seed, directory))
        assert [one for one in outcomes if one.kind in WRONG] == []
        assert len([one for one in outcomes if one.kind == "too narrow"]) <= 1, outcomes

    return check
