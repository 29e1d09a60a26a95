"""A run in object storage is proven as one on disk is: its files by the manifest, and the manifest by the forecast."""

import json
import shutil
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from data_catalog.errors import InvalidDataError, MissingDataError
from data_catalog.storage.folders import folder_at
from forecast.products.files.derived import write_products
from forecast.products.files.manifest import Contents, write_manifest
from forecast.products.files.proof import MEMBER_SEEDS, described_by
from forecast.products.files.runs import RunDirectory
from forecast.products.files.stored_runs import generation_of, prove_stored_run


@pytest.fixture
def run(tmp_path, synthetic):
    run = RunDirectory(tmp_path / "runs", "demo", synthetic.INIT_TIME)
    own = {"plumecast_system": "demo", "plumecast_data_hash": "ef" * 32, MEMBER_SEEDS: "a b c d"}
    synthetic.write_forecast(run.forecast, channels=("t2m",), leads=2, attributes=synthetic.ATTRIBUTES | own)
    write_products(run.forecast, run.products, quantiles=(0.5,), probabilities=())
    made = described_by(run.forecast)
    facts = {name: made[name] for name in ("system_hash", "model_id", "data_hash", "seeds", "delivered")}
    write_manifest(run, expected=Contents(members=(0, 1, 2, 3), lead_hours=(24, 48)), **facts)
    return run


@pytest.fixture(params=["disk", "s3"])
def place(request, tmp_path):
    """Where the run is stored."""
    root = tmp_path / "stored" if request.param == "disk" else f"{request.getfixturevalue('bucket')}/forecasts"
    return root / "demo" / "20080115T0000Z" if request.param == "disk" else f"{root}/demo/20080115T0000Z"


def store(run, place):
    folder, content = folder_at(place), run.manifest.read_bytes()
    for name in (run.forecast.name, run.products.name, "manifest.json"):
        folder.write(f"{generation_of(content)}/{name}", run.path / name)
    folder.write("manifest.json", content)
    return folder


def test_a_stored_run_is_proven(run, place):
    store(run, place)
    assert prove_stored_run(place).delivered == Contents(members=(0, 1, 2, 3), lead_hours=(24, 48))


def test_a_public_run_is_proven_over_http(run, tmp_path):
    store(run, tmp_path / "stored" / "demo" / "20080115T0000Z")
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path / "stored"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            found = prove_stored_run(f"http://127.0.0.1:{server.server_address[1]}/demo/20080115T0000Z")
        finally:
            server.shutdown()
    assert found.delivered == Contents(members=(0, 1, 2, 3), lead_hours=(24, 48))


def test_the_folder_of_its_files_is_a_run_by_itself(run, place, tmp_path):
    folder = store(run, place)
    downloaded = tmp_path / "downloaded" / "demo" / "20080115T0000Z"
    downloaded.mkdir(parents=True)
    generation = generation_of(run.manifest.read_bytes())
    for stored in folder.listing(generation):
        folder.fetch(stored.name, downloaded / Path(stored.name).name)
    assert prove_stored_run(downloaded)


def test_a_run_directory_that_was_copied_as_it_is_is_proven(run, tmp_path):
    shutil.copytree(run.path, tmp_path / "copied" / "demo" / run.path.name)
    assert prove_stored_run(tmp_path / "copied" / "demo" / run.path.name)


def test_what_is_not_there_yet_is_said(run, place):
    folder = store(run, place)
    folder.delete(["manifest.json"])
    with pytest.raises(MissingDataError, match=r"20080115T0000Z: expected manifest\.json, found none"):
        prove_stored_run(place)


@pytest.mark.parametrize("name", ["demo_20080115T0000Z.nc", "demo_20080115T0000Z_products.nc"])
def test_a_damaged_or_absent_file_is_named(run, place, name):
    folder = store(run, place)
    stored = f"{generation_of(run.manifest.read_bytes())}/{name}"
    content = bytearray((run.path / name).read_bytes())
    content[len(content) // 2] ^= 1
    folder.write(stored, bytes(content))
    with pytest.raises(InvalidDataError, match=f"{name}: changed since it was published, expected sha256"):
        prove_stored_run(place)
    folder.delete([stored])
    with pytest.raises(InvalidDataError, match=f"{name}: expected this file of the manifest, found none"):
        prove_stored_run(place)


def test_an_edited_manifest_is_refused(run, place):
    content = json.loads(run.manifest.read_text())
    content["model_id"] = "ba" * 32
    run.manifest.write_text(json.dumps(content))
    store(run, place)
    with pytest.raises(InvalidDataError, match=r"manifest\.json: changed since it was published, expected model_id"):
        prove_stored_run(place)


def test_a_place_that_is_no_run_is_refused(run, tmp_path):
    other = tmp_path / "demo" / "other"
    store(run, other)
    with pytest.raises(InvalidDataError, match="expected a name like 20080115T0000Z"):
        prove_stored_run(other)
