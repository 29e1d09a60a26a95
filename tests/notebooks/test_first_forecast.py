"""The notebook runs from top to bottom on a run as the command line leaves it."""

from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

from pipelines.cli.app import main

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "first_forecast.ipynb"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLUMECAST_HOME", str(place))
        assert main(["ingest", "speedy-5p6", "--end", "2008-01-10"]) == 0
        assert main(["forecast", "speedy-5p6", "--init", "2008-01-05", "--members", "3", "--lead", "2d"]) == 0
        assert main(["verify", str(place / "runs" / "speedy-5p6" / "20080105T0000Z")]) == 0
    return place


def test_every_cell_runs_and_draws(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLUMECAST_HOME", str(home))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(NOTEBOOK.parent)}}).execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error"]
    pictures = [output for output in outputs if "image/png" in output.get("data", {})]
    assert len(pictures) == 3
    assert np.all([len(picture["data"]["image/png"]) > 5000 for picture in pictures])
