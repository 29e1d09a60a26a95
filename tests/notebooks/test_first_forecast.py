"""The notebook runs from top to bottom on a run as the command line leaves it, with nothing but Plumecast's face."""

import ast
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "first_forecast.ipynb"


def test_every_cell_runs_and_draws(forecast_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLUMECAST_HOME", str(forecast_home))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(NOTEBOOK.parent)}}).execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error"]
    pictures = [output for output in outputs if "image/png" in output.get("data", {})]
    assert len(pictures) == 4
    assert np.all([len(picture["data"]["image/png"]) > 5000 for picture in pictures])


def test_it_imports_one_package_of_ours_and_keeps_no_outputs() -> None:
    cells = [cell for cell in nbformat.read(NOTEBOOK, as_version=4).cells if cell.cell_type == "code"]
    assert [cell.outputs for cell in cells] == [[]] * len(cells)
    source = "\n".join(cell.source.replace("%matplotlib inline", "") for cell in cells)
    imported = {
        alias.name.split(".")[0]
        for node in ast.walk(ast.parse(source))
        for alias in getattr(node, "names", [])
        if isinstance(node, ast.Import)
    }
    assert imported == {"matplotlib", "numpy", "plumecast"}
    assert not [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom)]
