"""The examples of docs/notebooks.md work as they stand, one after another, on a home with one verified run."""

import re
from pathlib import Path

import pytest

import plumecast

PAGE = Path(__file__).parents[2] / "docs" / "notebooks.md"


def test_examples_work(forecast_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLUMECAST_HOME", str(forecast_home))
    space: dict[str, object] = {"__name__": "example"}
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    blocks = [block for block in blocks if "climatology" not in block]  # needs a year: tests/pipelines/data does that
    assert len(blocks) == 3
    for block in blocks:
        exec(compile(block, PAGE.name, "exec"), space)
    crps, chance, scores = (space[name] for name in ("crps", "chance_of_frost", "scores"))
    assert crps.dims == ("lead_time",)
    assert 0 < float(crps[0]) < float(crps[1])
    assert 0 <= float(chance.min()) <= float(chance.max()) <= 1
    assert set(scores.dims) == {"forecaster", "channel", "lead_time", "rank"}


def test_page_names_every_public_function() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert [name for name in plumecast.__all__ if name != "Run" and name not in text] == []
