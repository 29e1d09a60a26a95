"""Checkpoints on disk: tensors as safetensors, everything else as JSON. Opening one cannot run code.

    DIRECTORY/
        model.json                     format version, system, grid, training record, and the hash of its weights
        model-<hash>.safetensors       averaged weights, anchor, static fields, climatology, standard deviations;
                                       with several networks, tensors that they share are stored once
        training.safetensors           optimiser moments and current weights, only until training ends
        calibration.json               the calibration card, if the model was calibrated

The description is replaced last and atomically, so at any moment a directory holds the old checkpoint or the new one.
"""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from data_catalog.errors import ConfigurationError, InvalidDataError
from data_catalog.storage.atomic_files import write_durably
from forecast.calibration.card import load_card, remove_card_of_another
from forecast.checkpoints.checkpoint import Checkpoint
from forecast.checkpoints.description import (
    DESCRIPTION,
    FORMAT_VERSION,
    NO_LEAD_TIME_VERSION,
    SIMPLE_VERSION,
    ClimatologyLayout,
    read_description,
    write_description,
)
from forecast.checkpoints.identity import model_identity
from forecast.checkpoints.packing import pack, unpack
from forecast.checkpoints.training_record import TrainingRecord
from forecast.model.step_model import StepModel
from forecast.networks.embedding import widen_scalars
from forecast.sphere.grid import Grid
from forecast.states.conditions import SCALARS
from forecast.states.standardiser import Standardiser
from forecast.system.reading import parse_system
from forecast.system.system import System

NETWORKS = "networks"
"""Prefix of tensors that belong to one of several networks, and name of the folder in which networks are trained."""
_STD = "standardiser.std"


def save_checkpoint(
    directory: Path,
    *,
    system: System,
    grid: Grid,
    standardiser: Standardiser,
    weights: Sequence[Mapping[str, Tensor]],
    training: TrainingRecord,
) -> str:
    """Write a checkpoint, which atomically replaces an earlier one and removes that one's calibration card.

    Args:
        directory: Directory of the checkpoint; created if absent.
        system: The system that the model forecasts.
        grid: The grid of the states.
        standardiser: Converts physical fields to standardised anomalies.
        weights: State of a `StepModel` for each of the system's networks.
        training: Record of the training.

    Returns:
        The identity of the model, 64 hexadecimal digits.
    """
    form = system.training.stored_as
    assert len(weights) == system.training.networks, "weights of each network"
    tensors = _by_name([pack(each, form) for each in weights]) | _standardisation(standardiser)
    data = save(tensors)
    content = {
        "format_version": SIMPLE_VERSION if len(weights) == 1 and form == "float16" else FORMAT_VERSION,
        "system": system.model_dump(mode="json"),
        "latitude": grid.latitude.tolist(),
        "longitude": grid.longitude.tolist(),
        "climatology": _layout(standardiser),
        "training": training.content(),
        "weights_sha256": hashlib.sha256(data).hexdigest(),
    }
    path = _weights_path(directory, content["weights_sha256"])
    write_durably(path, data)
    write_description(directory, content)
    for replaced in set(directory.glob("model-*.safetensors")) - {path}:
        replaced.unlink()
    model_id = model_identity(content)
    remove_card_of_another(directory, model_id)
    return model_id


def stored_system(directory: Path) -> System:
    """Read the system that a checkpoint was trained for, without its weights.

    Args:
        directory: Directory of the checkpoint.

    Raises:
        ConfigurationError: There is no checkpoint, or a later release wrote it.
        InvalidDataError: The description is damaged.
    """
    return parse_system(read_description(directory).system, origin=f"checkpoint {directory}")


def load_checkpoint(directory: Path, *, calibrated: bool = True, step_hours: int | None = None) -> Checkpoint:
    """Open a checkpoint.

    Args:
        directory: Directory of the checkpoint.
        calibrated: Whether to open the calibration card too, if there is one. A card is valid for the system's default
            step only.
        step_hours: Step length in hours, one of those that the model has learned; None for the system's default.

    Returns:
        The checkpoint, with models in evaluation mode on the CPU.

    Raises:
        ConfigurationError: There is no checkpoint, a later release wrote it, or it has not learned this step length.
        InvalidDataError: A file is damaged; names it.
    """
    description = read_description(directory)
    path = _weights_path(directory, description.weights_sha256)
    tensors = _read_tensors(path, description.weights_sha256)
    system = parse_system(description.system, origin=f"checkpoint {directory}")
    grid = Grid(np.array(description.latitude), np.array(description.longitude))
    climatology = _climatology(description.climatology, tensors, grid, system)
    standardiser = Standardiser(system.state.predictands, climatology, tensors[_STD].numpy())
    old = description.format_version == NO_LEAD_TIME_VERSION
    models = tuple(
        _model(system, grid, _weights_of(number, tensors), path, old=old)
        for number in range(_count_networks(system, tensors, path))
    )
    model_id = description.model_id
    if step_hours not in (None, system.state.step_hours):
        system, calibrated = _in_steps_of(step_hours, system, directory), False
    card = load_card(directory, model_id=model_id, channels=system.state.predictands) if calibrated else None
    if card is None:
        return Checkpoint(system, grid, standardiser, models, model_id, description.training)
    identity = card.identity_with(model_id)
    return Checkpoint(system, grid, standardiser, models, identity, description.training, card.calibration, card.sha256)


def _in_steps_of(step_hours: int, system: System, directory: Path) -> System:
    try:
        return system.in_steps_of(step_hours)
    except ConfigurationError as error:
        raise ConfigurationError(f"checkpoint {directory}: {error}") from None


def _count_networks(system: System, tensors: Mapping[str, Tensor], path: Path) -> int:
    """Return the number of networks, on which the description and the weights file must agree."""
    expected = system.training.networks
    numbers = {name.split(".")[1] for name in tensors if name.startswith(f"{NETWORKS}.")} or {"0"}
    if numbers != set(map(str, range(expected))):
        raise InvalidDataError(
            f"{path}: expected the {expected} networks that {DESCRIPTION} describes, found {len(numbers)}"
        )
    return expected


def _model(system: System, grid: Grid, tensors: Mapping[str, Tensor], path: Path, *, old: bool) -> StepModel:
    """Build a model with weights from a file, in evaluation mode."""
    try:
        weights = unpack(tensors)
        model = StepModel(system, grid, weights["static"].clone())
        model.load_state_dict(_with_lead_time(weights) if old else weights)
    except (KeyError, RuntimeError, ValueError) as error:
        fault = str(error).replace("\n", " ")
        raise InvalidDataError(f"{path}: expected the weights that {DESCRIPTION} describes, found {fault}") from None
    return model.eval().requires_grad_(False)


def _with_lead_time(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Extend weights that were trained without the lead time of the step by a column that ignores it."""
    name = "network.embedding.layers.0.weight"
    if name not in weights:
        return weights  # loading reports which weights are absent
    return weights | {name: widen_scalars(weights[name], known=SCALARS - 1, wanted=SCALARS)}


def _by_name(networks: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """Return tensors by name in the file: shared tensors once, the others under the number of their network."""
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


def _weights_of(number: int, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the weights of one network by name in the model."""
    return {
        name.removeprefix(prefix): value
        for prefix in ("model.", f"{NETWORKS}.{number}.")
        for name, value in tensors.items()
        if name.startswith(prefix)
    }


def _weights_path(directory: Path, sha256: str) -> Path:
    return directory / f"model-{sha256[:12]}.safetensors"


def _read_tensors(path: Path, expected_sha256: str) -> dict[str, Tensor]:
    try:
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        if found != expected_sha256:
            raise InvalidDataError(f"{path}: expected sha256 {expected_sha256}, found {found}")
        tensors: dict[str, Tensor] = load_file(path)
    except OSError as error:
        raise ConfigurationError(f"{path}: expected a readable file, found {error.strerror}") from None
    except SafetensorError as error:
        raise InvalidDataError(f"{path}: expected safetensors, found {error}") from None
    return tensors


def _standardisation(standardiser: Standardiser) -> dict[str, Tensor]:
    """Return standard deviations and climatology by name in the file."""
    tensors = {_STD: torch.from_numpy(standardiser.std)}
    for name in standardiser.channels:
        values = standardiser.climatology[name].values.astype(np.float32)
        tensors[f"climatology.{name}"] = torch.from_numpy(np.ascontiguousarray(values))
    return tensors


def _layout(standardiser: Standardiser) -> dict[str, Any]:
    """Return the plain values of a `ClimatologyLayout`."""
    climatology = standardiser.climatology
    return {
        "dims": [str(dim) for dim in climatology[standardiser.channels[0]].dims],
        "coords": {
            str(name): climatology[name].values.tolist()
            for name in climatology.dims
            if name not in ("latitude", "longitude") and name in climatology.coords
        },
        "attrs": {str(key): value for key, value in climatology.attrs.items()},
    }


def _climatology(layout: ClimatologyLayout, tensors: Mapping[str, Tensor], grid: Grid, system: System) -> xr.Dataset:
    coords = layout.coords | {"latitude": grid.latitude, "longitude": grid.longitude}
    fields = {name: (layout.dims, tensors[f"climatology.{name}"].numpy()) for name in system.state.predictands}
    return xr.Dataset(fields, coords=coords, attrs=layout.attrs)
