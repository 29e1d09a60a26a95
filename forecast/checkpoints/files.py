"""Checkpoints: numbers as safetensors, everything else as JSON. Opening one cannot run code.

    DIRECTORY/
        model.json                     format version, system, grid, training record, and which weights belong to it
        model-<hash>.safetensors       averaged weights, anchor, static fields, climatology, standard deviations;
                                       of several networks: what differs between them, and once what does not
        training.safetensors           optimiser moments and running weights, only until training ends
        calibration.json               what was fitted to the spread after training, if anything was

The description is replaced last and atomically, so a directory holds the old checkpoint or the new one at any moment.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr
from safetensors import SafetensorError
from safetensors.torch import load_file, save

from data_catalog.errors import ConfigurationError, InvalidDataError
from data_catalog.storage.atomic_files import write_durably
from forecast.calibration.card import load_card, remove_card_of_another
from forecast.checkpoints.checkpoint import Checkpoint
from forecast.checkpoints.identity import model_identity
from forecast.checkpoints.packing import pack, unpack
from forecast.model.step_model import StepModel
from forecast.networks.embedding import widen_scalars
from forecast.sphere.grid import Grid
from forecast.states.conditions import SCALARS
from forecast.states.standardiser import Standardiser
from forecast.system.reading import parse_system
from forecast.system.system import System

FORMAT_VERSION = 3
SIMPLE_VERSION = 2
"""Of checkpoints that earlier releases can open: one network, in half precision."""
READABLE_VERSIONS = (1, SIMPLE_VERSION, FORMAT_VERSION)
"""Version 1 did not know the lead time of the step, the last of the scalar conditions."""
REQUIRED = ("system", "latitude", "longitude", "climatology", "training", "weights_sha256")
"""What every description has."""
DESCRIPTION = "model.json"
NETWORKS = "networks"
"""Begin of the names of what networks have of their own, and folder beside a checkpoint that keeps each of them."""


def save_checkpoint(
    directory: Path,
    *,
    system: System,
    grid: Grid,
    standardiser: Standardiser,
    weights: Sequence[Mapping[str, torch.Tensor]],
    training: Mapping[str, Any],
) -> str:
    """Write a checkpoint; an earlier one in the directory stays whole until the new one is, and takes its card with it.

    Args:
        directory: Made if absent.
        system: What the model forecasts.
        grid: Where.
        standardiser: Physical fields to the model's anomalies.
        weights: State of a `StepModel`, for each of the system's networks.
        training: Plain JSON values for the record.

    Returns:
        The model's identity.
    """
    form = system.training.stored_as
    assert len(weights) == system.training.networks, "weights of each network"
    tensors = _tensors_of([pack(each, form) for each in weights])
    tensors["standardiser.std"] = torch.from_numpy(standardiser.std)
    for name in standardiser.channels:
        values = standardiser.climatology[name].values.astype(np.float32)
        tensors[f"climatology.{name}"] = torch.from_numpy(np.ascontiguousarray(values))
    data = save(tensors)
    climatology = standardiser.climatology
    description = {
        "format_version": SIMPLE_VERSION if len(weights) == 1 and form == "float16" else FORMAT_VERSION,
        "system": system.model_dump(mode="json"),
        "latitude": grid.latitude.tolist(),
        "longitude": grid.longitude.tolist(),
        "climatology": {
            "dims": [str(dim) for dim in climatology[standardiser.channels[0]].dims],
            "coords": {
                str(name): climatology[name].values.tolist()
                for name in climatology.dims
                if name not in ("latitude", "longitude") and name in climatology.coords
            },
            "attrs": {str(key): value for key, value in climatology.attrs.items()},
        },
        "training": dict(training),
        "weights_sha256": hashlib.sha256(data).hexdigest(),
    }
    path = _weights_path(directory, description)
    write_durably(path, data)
    write_durably(directory / DESCRIPTION, json.dumps(description, indent=1) + "\n")
    for replaced in set(directory.glob("model-*.safetensors")) - {path}:
        replaced.unlink()
    model_id = model_identity(description)
    remove_card_of_another(directory, model_id)
    return model_id


def load_checkpoint(directory: Path, *, calibrated: bool = True, step_hours: int | None = None) -> Checkpoint:
    """Open a checkpoint.

    Args:
        directory: Where it is.
        calibrated: With its calibration card, if it has one; cards are of the system's own step.
        step_hours: Length of a step, of those that the model has learned; the system's own when None.

    Raises:
        ConfigurationError: There is none, it is of another format version, or has not learned such steps.
        InvalidDataError: A file is damaged; names it.
    """
    description = read_description(directory)
    path = _weights_path(directory, description)
    tensors = _read_tensors(path, description["weights_sha256"])
    system = parse_system(description["system"], origin=f"checkpoint {directory}")
    grid = Grid(np.array(description["latitude"]), np.array(description["longitude"]))
    standardiser = Standardiser(
        system.state.predictands, _climatology(description, tensors, grid, system), tensors["standardiser.std"].numpy()
    )
    models = tuple(
        _model(system, grid, _weights_of(number, tensors), path, old=description["format_version"] == 1)
        for number in range(_networks(system, tensors, path))
    )
    model_id, training = model_identity(description), description["training"]
    if step_hours not in (None, system.state.step_hours):
        try:
            system, calibrated = system.in_steps_of(step_hours), False
        except ConfigurationError as error:
            raise ConfigurationError(f"checkpoint {directory}: {error}") from None
    card = load_card(directory, model_id=model_id, channels=system.state.predictands) if calibrated else None
    if card is None:
        return Checkpoint(system, grid, standardiser, models, model_id, training)
    identity = card.identity_with(model_id)
    return Checkpoint(system, grid, standardiser, models, identity, training, card.calibration, card.sha256)


def _networks(system: System, tensors: Mapping[str, torch.Tensor], path: Path) -> int:
    """How many there are, in the description and in the file alike."""
    expected = system.training.networks
    numbers = {name.split(".")[1] for name in tensors if name.startswith(f"{NETWORKS}.")} or {"0"}
    if numbers != set(map(str, range(expected))):
        raise InvalidDataError(
            f"{path}: expected the {expected} networks that {DESCRIPTION} describes, found {len(numbers)}"
        )
    return expected


def _model(system: System, grid: Grid, tensors: Mapping[str, torch.Tensor], path: Path, *, old: bool) -> StepModel:
    """With weights from a file, ready to forecast."""
    try:
        weights = unpack(tensors)
        model = StepModel(system, grid, weights["static"].clone())
        model.load_state_dict(_without_lead_time(weights) if old else weights)
    except (KeyError, RuntimeError, ValueError) as error:
        fault = str(error).replace("\n", " ")
        raise InvalidDataError(f"{path}: expected the weights that {DESCRIPTION} describes, found {fault}") from None
    return model.eval().requires_grad_(False)


def _without_lead_time(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Weights that were trained without the lead time of the step, made to ignore it."""
    name = "network.embedding.layers.0.weight"
    if name not in weights:
        return weights  # loading them tells which are absent
    return weights | {name: widen_scalars(weights[name], known=SCALARS - 1, wanted=SCALARS)}


def _tensors_of(networks: Sequence[Mapping[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    """By their names in the file: what all networks have alike once, the rest under the network's number."""
    first, *others = networks
    alike = {name for name, value in first.items() if all(torch.equal(value, other[name]) for other in others)}
    shared = {f"model.{name}": first[name] for name in alike}
    own = {
        f"{NETWORKS}.{number}.{name}": value
        for number, weights in enumerate(networks)
        for name, value in weights.items()
        if name not in alike
    }
    return shared | own


def _weights_of(number: int, tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Of one network, from a file."""
    return {
        name.removeprefix(prefix): value
        for prefix in ("model.", f"{NETWORKS}.{number}.")
        for name, value in tensors.items()
        if name.startswith(prefix)
    }


def _weights_path(directory: Path, description: Mapping[str, Any]) -> Path:
    return directory / f"model-{description['weights_sha256'][:12]}.safetensors"


def read_description(directory: Path) -> dict[str, Any]:
    """Everything of a checkpoint but its numbers.

    Raises:
        ConfigurationError: There is none, or it is of another format version.
        InvalidDataError: It is damaged.
    """
    path = directory / DESCRIPTION
    try:
        description = json.loads(path.read_bytes())
    except OSError as error:
        raise ConfigurationError(f"checkpoint {directory}: expected {DESCRIPTION}, found {error.strerror}") from None
    except ValueError as error:
        raise InvalidDataError(f"{path}: expected JSON, found {error}") from None
    found = description.get("format_version") if isinstance(description, dict) else None
    if found not in READABLE_VERSIONS:
        raise ConfigurationError(f"{path}: expected format_version {READABLE_VERSIONS}, found {found}")
    if absent := [name for name in REQUIRED if name not in description]:
        raise InvalidDataError(f"{path}: expected {absent[0]}, found none")
    return dict(description)


def _read_tensors(path: Path, expected_sha256: str) -> dict[str, torch.Tensor]:
    try:
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        if found != expected_sha256:
            raise InvalidDataError(f"{path}: expected sha256 {expected_sha256}, found {found}")
        tensors: dict[str, torch.Tensor] = load_file(path)
    except OSError as error:
        raise ConfigurationError(f"{path}: expected a readable file, found {error.strerror}") from None
    except SafetensorError as error:
        raise InvalidDataError(f"{path}: expected safetensors, found {error}") from None
    return tensors


def _climatology(
    description: dict[str, Any], tensors: Mapping[str, torch.Tensor], grid: Grid, system: System
) -> xr.Dataset:
    layout = description["climatology"]
    coords = layout["coords"] | {"latitude": grid.latitude, "longitude": grid.longitude}
    fields = {name: (layout["dims"], tensors[f"climatology.{name}"].numpy()) for name in system.state.predictands}
    return xr.Dataset(fields, coords=coords, attrs=layout["attrs"])
