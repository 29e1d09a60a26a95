"""The examples of docs/scores.md work as they stand, and each score and figure of its tables is there."""

import re
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from forecast import verification

PAGE = (Path(__file__).parents[2] / "docs" / "scores.md").read_text(encoding="utf-8")
SECTIONS = {part.splitlines()[0]: re.findall(r"```python\n(.*?)```", part, re.DOTALL) for part in PAGE.split("\n## ")}
RUN = ("# Scores", "Forecasts that are no ensembles", "Figures")
"""Sections whose examples need nothing but fields; that of the score archive needs an archive."""
ROWS = re.findall(
    r"^\| (.*?) \| `(plot_\w+)`(.*?) \| (?:`([\w.]+)`|same) \|$", PAGE.split("\n## Figures")[1], re.MULTILINE
)


def fields() -> dict[str, object]:
    rng = np.random.default_rng(0)
    coords = {"latitude": [40.0, 50.0, 60.0], "longitude": [0.0, 10.0, 20.0, 30.0]}
    dims = ("lead_time", "latitude", "longitude")
    analysis = xr.DataArray(rng.normal(281, 5, (2, 3, 4)), dims=dims, coords=coords, attrs={"units": "K"})
    forecast = analysis + xr.DataArray(rng.normal(0, 2, (9, 2, 3, 4)), dims=("member", *dims))
    forecast = forecast.assign_attrs(units="K")
    score = xr.DataArray([1.0, 2.0], dims="lead_time")
    names = {"forecast": forecast, "analysis": analysis, "rain": analysis + 1, "score": score}
    return {**names, "score_of_climatology": score + 1, "forecasts": {"mine": forecast, "yours": forecast + 1}}


def test_every_example_is_run_or_known_to_need_more() -> None:
    assert {title for title, blocks in SECTIONS.items() if blocks} == {*RUN, "The score archive"}


@pytest.mark.parametrize("title", RUN)
def test_the_example_works(title: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "figures").mkdir()
    space = {"__name__": "example", **fields()}
    for block in SECTIONS[title]:
        exec(compile(block, f"scores.md: {title}", "exec"), space)
    drawn = sorted(path.name for path in Path("figures").iterdir())
    assert drawn == (["murphy.png", "performance.png", "reliability.png"] if title == "Figures" else [])


def test_every_figure_of_the_table_is_there() -> None:
    assert len(ROWS) > 12
    module = ""
    for scores, function, _, named in ROWS:
        module = named or module
        source = (Path(__file__).parents[2] / Path(*module.split("."))).with_suffix(".py").read_text()
        assert f"\ndef {function}(" in source, function
        for score in re.findall(r"`(\w+)`", scores):
            assert score in verification.__all__, score


def test_every_score_is_in_a_table() -> None:
    no_scores = {"UnscorableError", "Box", "EvaluationSums"}
    named = set(re.findall(r"`(\w+)", PAGE))
    assert sorted(set(verification.__all__) - named - no_scores) == []
