"""A published run is drawn again without drawing what would be the same."""

import json
from pathlib import Path

import pytest

from forecast.products.files.proof import prove_run
from forecast.products.plots import pictures
from pipelines.runs.republish import refresh_report
from pipelines.workspace.home import Home

HEADINGS = ("map_z500", "map_msl", "map_t2m")


def test_a_page_is_made_again_from_the_figures_that_stay(forecast_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = forecast_home / "runs" / "speedy-5p6" / "20080105T0000Z"
    files = json.loads((run / "manifest.json").read_text())["files"]
    for name in ("plot_mean_and_spread", "plot_stamps", "plot_plume", "plot_skill", "plot_rank_histograms"):
        monkeypatch.setattr(pictures, name, _never(getattr(pictures, name).__name__))
    page = refresh_report(Home(forecast_home), run)
    assert page.stat().st_size > 100_000
    kept = {f"plots/{name}.png": files[f"plots/{name}.png"] for name in HEADINGS}
    again = json.loads((run / "manifest.json").read_text())["files"]
    assert {name: again[name] for name in kept} == kept
    prove_run(run)


def _never(name: str) -> object:
    def draw(*_: object, **__: object) -> Path:
        raise AssertionError(f"{name}: drawn again")

    draw.__name__ = name
    return draw
