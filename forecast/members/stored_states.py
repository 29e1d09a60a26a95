"""States of a running forecast, stored on disk so that it can be resumed and divided among several processes."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from data_catalog.errors import InvalidDataError
from data_catalog.storage.atomic_files import atomic_path

State = Float[Tensor, "member channel latitude longitude"]


def batch_name(members: tuple[int, ...]) -> str:
    """Return the name of the directory for the states of members computed together.

    Args:
        members: Member numbers, in the order in which they are computed.
    """
    digest = hashlib.sha256(repr(members).encode()).hexdigest()[:8]
    return f"members-{members[0]:05d}-{members[-1]:05d}-{digest}"


def stored_states(directory: Path | None, shape: tuple[int, ...], lead_steps: int) -> Iterator[State]:
    """Yield the states of an interrupted forecast, up to the first that is absent.

    Args:
        directory: Directory of the batch; None if states are not stored.
        shape: Shape of each state, (member, channel, latitude, longitude).
        lead_steps: Length of the forecast in lead steps.

    Raises:
        InvalidDataError: A state has another shape.
    """
    if directory is None:
        return
    for lead_step in range(1, lead_steps + 1):
        if not state_path(directory, lead_step).exists():
            return
        yield load_state(directory, lead_step, shape)


def state_path(directory: Path, lead_step: int) -> Path:
    """Return the path of the state after a lead step.

    Args:
        directory: Directory of the batch.
        lead_step: Number of the lead step, counted from 1.
    """
    return directory / f"{lead_step:05d}.npy"


def load_state(directory: Path, lead_step: int, shape: tuple[int, ...]) -> State:
    """Read the state after a lead step.

    Args:
        directory: Directory of the batch.
        lead_step: Number of the lead step, counted from 1.
        shape: Expected shape of the state, (member, channel, latitude, longitude).

    Returns:
        Standardised anomalies on the CPU.

    Raises:
        InvalidDataError: The state has another shape.
    """
    path = state_path(directory, lead_step)
    state = np.load(path, allow_pickle=False)
    if state.shape != shape:
        raise InvalidDataError(f"{path}: expected a state of shape {shape}, found {state.shape}")
    return torch.from_numpy(state)


def store_state(directory: Path, lead_step: int, state: State) -> None:
    """Write the state after a lead step, atomically.

    Args:
        directory: Directory of the batch; created if absent.
        lead_step: Number of the lead step, counted from 1.
        state: Standardised anomalies, on any device.
    """
    with atomic_path(state_path(directory, lead_step)) as partial, partial.open("wb") as file:
        np.save(file, state.cpu().numpy(), allow_pickle=False)
