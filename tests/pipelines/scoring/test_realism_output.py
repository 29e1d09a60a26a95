"""What the gates of a model are written and shown as."""

import json
from pathlib import Path

import numpy as np
import pytest

from forecast.verification.realism.gates import Figure, Gate
from forecast.verification.realism.report import RealismReport, read_realism
from pipelines.cli.app import main
from pipelines.scoring import realism
from pipelines.scoring.realism_output import gate_tables, print_realism, realism_markdown, write_outputs
from pipelines.workspace.home import Home
from pipelines.workspace.systems import find_system
from tests.forecast.verification.realism.test_report import report_of


def figures(name: str, *values: float) -> list[Figure]:
    return [Figure({"channel": name, "band": "8-11", "lead_time": f"{24 * (index + 1)} h"}, value, 1 / 1.1, 1.1)
            for index, value in enumerate(values)]  # fmt: skip


RANK = Figure({"moment": "rank", "channel": "v250", "region": "global", "lead_time": "12 h", "regime": "low"},
              0.6, 0.45, 0.55)  # fmt: skip
REPORT = report_of(
    Gate("spectrum", "power", [*figures("z500", 1.0, 1.05), *figures("v250", 1.2, np.nan)]),
    Gate("device", "difference", (), "no GPU on this machine"),
    Gate("ranks", "ranks", [RANK]),
)


def test_markdown_names_every_failure() -> None:
    text = realism_markdown(REPORT)
    assert "| spectrum | failed | 4 | 2 | v250, 8-11, 48 h: nan, expected 0.909 to 1.1 |" in text
    assert "| device | not measured | 0 | 0 | no GPU on this machine |" in text
    assert "- v250, 8-11, 24 h: 1.2, expected 0.909 to 1.1" in text


def test_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    print_realism(REPORT)
    shown = capsys.readouterr().out
    assert "Physics gates of tiny, model abababab: 36 starts from 2008-01-01 to 2008-12-20, 8 members" in shown
    assert "0 passed, 2 failed, 1 not measured (spectrum, ranks failed)" in shown


def test_tables_to_draw() -> None:
    spectrum, ranks = gate_tables(REPORT)
    assert (spectrum.rows, spectrum.groups, spectrum.columns) == (["z500", "v250"], ["8-11"], ["1 d", "2 d"])
    assert spectrum.off[1, 0, 1] == np.inf
    assert spectrum.title == "spectrum: failed, 2 of 4 beyond limits"
    assert (ranks.rows, ranks.groups, ranks.columns) == (["v250"], ["low start"], ["12 h"])
    assert ranks.off[0, 0, 0] == pytest.approx(2.0)


def test_own_checkpoints_keep_the_record_and_shipped_ones_do_not_change(tmp_path: Path, tiny: Path) -> None:
    checkpoint = tmp_path / "checkpoint"
    checkpoint.mkdir()
    written = write_outputs(REPORT, find_system(str(tiny)), checkpoint, tmp_path / "out")
    assert [path.name for path in written] == ["realism.json", "realism.md", "realism.png", "realism.json"]
    assert read_realism(checkpoint / "realism.json") == REPORT


def test_the_command(
    place: Home, tiny: Path, weather_file: Path, tmp_path: Path,
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    def measure(request: realism.RealismRequest) -> RealismReport:
        assert (request.starts, request.members, request.lead_steps) == (4, 8, 3)
        assert request.analysis == weather_file
        return REPORT

    monkeypatch.setattr(realism, "measure_realism", measure)
    words = ["realism", str(tiny), "--analysis", str(weather_file), "--starts", "4", "--out", str(tmp_path / "out")]
    assert main([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["gates"][0]["failed"] == 2
    assert main(words) == 0
    assert f"Written: {tmp_path / 'out' / 'realism.png'}" in capsys.readouterr().out
    assert read_realism(place.checkpoint("tiny") / "realism.json") == REPORT
