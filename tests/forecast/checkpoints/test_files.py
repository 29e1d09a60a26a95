"""Checkpoints open completely or not at all, and cannot run code."""

import hashlib
import json
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from safetensors.torch import save as save_tensors

from data_catalog.errors import InvalidDataError
from forecast.checkpoints.files import load_checkpoint, save_checkpoint


@pytest.fixture
def directory(checkpoint, tmp_path):
    save(checkpoint, tmp_path)
    return tmp_path


def save(checkpoint, directory, weights=None):
    return save_checkpoint(
        directory,
        system=checkpoint.system,
        grid=checkpoint.grid,
        standardiser=checkpoint.standardiser,
        weights=[weights or checkpoint.model.state_dict()],
        training=checkpoint.training,
    )


def test_round_trip(checkpoint, directory):
    again = load_checkpoint(directory)
    assert again.model_id == checkpoint.model_id
    assert again.system == checkpoint.system
    for name, value in checkpoint.model.state_dict().items():
        torch.testing.assert_close(again.model.state_dict()[name], value, rtol=0, atol=0)
    times = np.array(["2001-03-01", "2004-02-29"], dtype="datetime64[ns]")
    np.testing.assert_array_equal(
        again.standardiser.climatology_at(times), checkpoint.standardiser.climatology_at(times)
    )


def test_the_network_is_stored_in_half_precision(checkpoint, directory):
    stored = load_file(next(directory.glob("model-*.safetensors")))
    kinds = {value.dtype for name, value in stored.items() if name.startswith("model.network.")}
    assert kinds == {torch.float16}
    assert {parameter.dtype for parameter in load_checkpoint(directory).model.parameters()} == {torch.float32}


def test_identity_follows_the_weights(checkpoint, directory):
    weights = {name: value.clone() for name, value in checkpoint.model.state_dict().items()}
    weights["position"] += 1e-3
    assert save(checkpoint, directory, weights) != checkpoint.model_id
    assert len(list(directory.glob("model-*.safetensors"))) == 1


def test_a_flipped_bit_is_found(directory):
    (path,) = directory.glob("model-*.safetensors")
    data = bytearray(path.read_bytes())
    data[-5] ^= 1
    path.write_bytes(data)
    with pytest.raises(InvalidDataError, match="expected sha256"):
        load_checkpoint(directory)


def shipped(name):
    return Path(str(files("forecast") / "pretrained" / name))


def test_a_checkpoint_without_the_lead_time_of_the_step_forecasts_as_before(directory):
    """Format version 1 knew 6 scalar conditions: without the last column its weights are those of version 2."""
    description = json.loads((directory / "model.json").read_text())
    (path,) = directory.glob("model-*.safetensors")
    tensors = load_file(path)
    name = "model.network.embedding.layers.0.weight"
    tensors[name] = tensors[name][:, :-1].contiguous()
    data = save_tensors(tensors)
    digest = hashlib.sha256(data).hexdigest()
    (directory / f"model-{digest[:12]}.safetensors").write_bytes(data)
    changes = {"format_version": 1, "weights_sha256": digest}
    (directory / "model.json").write_text(json.dumps(description | changes))
    model = load_checkpoint(directory).model
    narrow = tensors[name].float()
    layer = model.network.embedding.layers[0]
    inputs = torch.randn(5, layer.in_features)
    torch.testing.assert_close(layer(inputs), inputs[:, :-1] @ narrow.T + layer.bias)


@pytest.mark.parametrize("name", ["speedy-5p6", "ncep-natlantic", "erai-sweurope", "ncep-northamerica"])
def test_shipped_checkpoints_open(name):
    checkpoint = load_checkpoint(shipped(name))
    assert checkpoint.system.name == name
    assert len(checkpoint.models) == checkpoint.system.training.networks
    assert all(value.isfinite().all() for model in checkpoint.models for value in model.state_dict().values())
