"""The command that computes a climatology, and notebooks that open it."""

import re
from pathlib import Path
from typing import Any

import pytest

import plumecast
from pipelines.cli.app import main

PAGE = Path(__file__).parents[3] / "docs" / "notebooks.md"


def example() -> str:
    """The example of the page that opens a climatology."""
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (found,) = (block for block in blocks if "open_climatology" in block)
    return str(found)


def test_a_command_makes_what_a_notebook_opens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PLUMECAST_HOME", str(tmp_path))
    assert main(["climatology", "speedy-5p6"]) == 3
    assert main(["ingest", "speedy-5p6"]) == 0
    capsys.readouterr()
    with pytest.raises(plumecast.MissingDataError, match="'plumecast climatology speedy-5p6' makes it"):
        plumecast.open_climatology("speedy-5p6")
    assert main(["climatology", "speedy-5p6", "--quantile", "0.9", "--memory", "0.2"]) == 0
    assert "10 channels from 366 times, 2008-01-01T00:00 to 2008-12-31T00:00" in capsys.readouterr().out
    space: dict[str, Any] = {"plumecast": plumecast}
    exec(compile(example(), PAGE.name, "exec"), space)
    assert space["in_deviations"].sizes["time"] == 31
    assert 0.5 < float(space["in_deviations"].std()) < 1.5
    assert 0.02 < float(space["hot"].mean()) < 0.3
    assert main(["climatology", "speedy-5p6", "--start", "2008-01-15", "--quantile", "0.5"]) == 0
    assert main(["climatology", "speedy-5p6", "--start", "2008-11-01"]) == 2
    assert "within 30 days of each day of the year" in capsys.readouterr().err
