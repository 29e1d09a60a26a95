"""The identity of a model depends on everything that determines its members and on nothing else, in all releases."""

import hashlib
import json
from importlib.resources import files
from pathlib import Path

import pytest

from forecast.checkpoints.identity import model_identity

SYSTEM = {
    "name": "tiny",
    "state": {},
    "anchor": {"kind": "persistence", "eofs": 100},
    "network": {"kind": "unet"},
    "diffusion": {"log_sigma_mean": -1.2, "log_sigma_std": 1.2},
}
DESCRIPTION = {"format_version": 1, "system": SYSTEM, "weights_sha256": "0" * 64}


def test_the_identity_of_a_first_release_checkpoint_never_changes():
    """Its description has none of the keys that came later."""
    system = {key: value for key, value in SYSTEM.items() if key != "diffusion"}
    golden = hashlib.sha256(json.dumps(DESCRIPTION | {"system": system}, sort_keys=True).encode()).hexdigest()
    assert model_identity(DESCRIPTION | {"training": {"iterations": 3}}) == golden


@pytest.mark.parametrize(
    ("name", "golden"),
    [
        ("speedy-5p6", "f67099225838a361bb50e2f0f14fb5e1107d82786039e31023c5602b4b2833d8"),
        ("ncep-natlantic", "81880d02a29bd71d1256759a236e95fd8b8f0223c577d6c49233269a6652b2e4"),
        ("erai-sweurope", "7a6318916b6e0d1bd0a7a36b2ec2ea322bba049b2648de735a1d2578247766c4"),
        ("ncep-northamerica", "4f2e2aa3b4acdeca3c7ee030ccb110a756a266ea5ea8b5110ca6620e18a8ba5e"),
    ],
)
def test_the_identity_of_a_shipped_checkpoint(name, golden):
    content = json.loads(Path(str(files("forecast") / "pretrained" / name / "model.json")).read_text())
    assert model_identity(content) == golden
    assert model_identity(content | {"training": {}}) == golden


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "other"},
        {"network": {"kind": "dit"}},
        {"diffusion": {"path": "flow", "output": "velocity"}},
        {"diffusion": {"noise": "isotropic"}},
        {"training": {"step_hours": [24, 48]}},
    ],
)
def test_settings_that_determine_members_change_the_identity(changes):
    assert model_identity(DESCRIPTION | {"system": SYSTEM | changes}) != model_identity(DESCRIPTION)


@pytest.mark.parametrize(
    "changes",
    [
        {"title": "Another"},
        {"diffusion": {"path": "edm", "output": "edm", "noise": "white"}},
        {"training": {"step_hours": [24]}},
    ],
)
def test_other_settings_leave_the_identity(changes):
    assert model_identity(DESCRIPTION | {"system": SYSTEM | changes}) == model_identity(DESCRIPTION)
