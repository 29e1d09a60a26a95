"""A published run is proven: its files by the manifest, and the manifest by the forecast file."""

import json

import pytest

from data_catalog.errors import InvalidDataError
from forecast.products.files.derived import write_products
from forecast.products.files.manifest import Contents, write_manifest
from forecast.products.files.proof import MEMBER_SEEDS, described_by, prove_run
from forecast.products.files.runs import RunDirectory


@pytest.fixture
def run(tmp_path, synthetic):
    run = RunDirectory(tmp_path, "demo", synthetic.INIT_TIME)
    own = {"plumecast_system": "demo", "plumecast_data_hash": "ef" * 32, MEMBER_SEEDS: "a b c d"}
    synthetic.write_forecast(run.forecast, channels=("t2m",), leads=2, attributes=synthetic.ATTRIBUTES | own)
    write_products(run.forecast, run.products, quantiles=(0.5,), probabilities=())
    made = described_by(run.forecast)
    facts = {name: made[name] for name in ("system_hash", "model_id", "data_hash", "seeds", "delivered")}
    write_manifest(run, expected=Contents(members=(0, 1, 2, 3), lead_hours=(24, 48)), **facts)
    return run


def edited(run, change):
    content = json.loads(run.manifest.read_text())
    change(content)
    run.manifest.write_text(json.dumps(content))


def test_a_run_as_it_was_published_is_proven(run):
    manifest = prove_run(run.path)
    assert manifest.seeds == {"0": "a", "1": "b", "2": "c", "3": "d"}
    assert manifest.delivered == Contents(members=(0, 1, 2, 3), lead_hours=(24, 48))


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda one: one.update(model_id="ba" * 32), "expected model_id abababababab… of demo_20080115T0000Z.nc"),
        (lambda one: one.update(system_hash="x"), "found x"),
        (lambda one: one.update(data_hash="x"), "expected data_hash"),
        (lambda one: one.update(system="other"), "expected system demo"),
        (lambda one: one.update(init_time="2008-01-16T00:00Z"), "expected init_time 2008-01-15T00:00Z"),
        (lambda one: one["seeds"].update({"3": "c"}), "expected seeds"),
        (lambda one: one["delivered"].update(lead_hours=[24]), "found 4 members, leads 24 h"),
        (lambda one: one["delivered"].update(members=[0, 1]), "found 2 members"),
        (lambda one: one["expected"].update(members=[0, 1, 2, 3, 4]), "its expected contents are others"),
        (lambda one: one.update(files={}), "expected files, found none"),
        (lambda one: one["files"].pop("demo_20080115T0000Z.nc"), "demo_20080115T0000Z.nc among its files"),
        (lambda one: one["files"].pop("demo_20080115T0000Z_products.nc"), "_products.nc among its files"),
    ],
)
def test_an_edited_manifest_is_refused(run, change, complaint):
    edited(run, change)
    with pytest.raises(InvalidDataError) as caught:
        prove_run(run.path)
    assert complaint in str(caught.value)
    assert str(run.manifest) in str(caught.value)


@pytest.mark.parametrize("name", ["forecast", "products"])
def test_an_altered_file_is_refused(run, name):
    path = getattr(run, name)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(InvalidDataError, match=f"{path.name}: changed since it was published"):
        prove_run(run.path)


def test_a_forecast_without_its_facts_is_refused(tmp_path, synthetic):
    path = synthetic.write_forecast(tmp_path / "plain.nc", channels=("t2m",))
    with pytest.raises(
        InvalidDataError, match=r"plain\.nc: expected the global attribute plumecast_system, found none"
    ):
        described_by(path)
