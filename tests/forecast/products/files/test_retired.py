"""Files that are no longer kept are named in a further generation of the manifest."""

from pathlib import Path

import numpy as np
import pytest

from data_catalog.errors import ConfigurationError
from forecast.products.files.manifest import Contents, read_manifest, verify_manifest, write_manifest
from forecast.products.files.retired import require_kept, retire_files, retired_on
from forecast.products.files.runs import RunDirectory


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    made = RunDirectory(tmp_path, "tiny", np.datetime64("2008-01-10", "ns"))
    made.zarr.mkdir(parents=True)
    for path in (made.forecast, made.zarr / "chunk", made.scores):
        path.write_text(path.name)
    kept = Contents(members=(0,), lead_hours=(24,))
    hashes = {"system_hash": "a", "model_id": "b", "data_hash": "c"}
    write_manifest(made, **hashes, seeds={"0": "0"}, expected=kept, delivered=kept)
    return made


def test_files_and_directories_are_retired(run: RunDirectory) -> None:
    before = read_manifest(run.path)
    run.forecast.unlink()
    (run.zarr / "chunk").unlink()
    run.scores.write_text("changed")
    made = retire_files(run.path, [run.forecast.name, run.zarr.name], "2026-11-30", [run.scores])
    assert made == verify_manifest(run.path)
    assert (before.generation, made.generation, list(made.files)) == (1, 2, ["scores.json"])
    assert made.retired is not None
    assert {name: entry.sha256 for name, entry in made.retired.items()} == {
        name: before.files[name].sha256 for name in (run.forecast.name, f"{run.zarr.name}/chunk")
    }
    assert retired_on(made, run.forecast) == retired_on(made, run.zarr) == "2026-11-30"
    assert retired_on(made, run.scores) is None


def test_readers_say_when(run: RunDirectory) -> None:
    require_kept(run, run.forecast, "members")
    run.forecast.unlink()
    require_kept(run, run.forecast, "members")  # lost, not retired: what reads it says so
    retire_files(run.path, [run.forecast.name], "2026-11-30")
    with pytest.raises(ConfigurationError, match="expected its members, found that they were retired on 2026-11-30"):
        require_kept(run, run.forecast, "members")
    run.manifest.unlink()
    require_kept(run, run.forecast, "members")
