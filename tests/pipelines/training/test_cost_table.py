"""The table of costs is complete."""

import pytest

from data_catalog.catalog import dataset
from data_catalog.errors import ConfigurationError
from forecast.system.system import System
from pipelines.training.cost_table import print_costs
from pipelines.workspace.systems import find_system


def test_a_column_for_each_system(tiny, capsys: pytest.CaptureFixture[str]) -> None:
    system = find_system(str(tiny))
    print_costs([system, system])
    rows = [line.strip("|").split("|") for line in capsys.readouterr().out.splitlines()]
    assert {len(row) for row in rows} == {3}
    cells = {row[0].strip(): row[1].strip() for row in rows}
    assert cells["grid, channels"] == "32 x 64, 2"
    assert cells["one training step"].endswith("FLOP, 4 samples")
    assert cells["forecast: one member"].endswith("3 lead steps of 1")


def test_a_dataset_without_a_known_grid_is_refused(tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    bare = dataset("speedy-5p6").model_copy(update={"grid": None})
    monkeypatch.setattr("forecast.system.system.dataset", lambda _: bare)
    system: System = find_system(str(tiny))
    with pytest.raises(ConfigurationError, match="expected a dataset whose grid is known"):
        print_costs([system])


def test_the_denoising_stage_of_a_pretrained_system_is_that_of_its_pretraining(
    capsys: pytest.CaptureFixture[str],
) -> None:
    system = find_system("ncep-natlantic")
    assert system.pretraining is not None
    print_costs([system])
    assert f"FLOP, {system.pretraining.iterations} steps" in capsys.readouterr().out
