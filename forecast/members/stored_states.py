"""TODO: forecast/members/stored_states.py."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from data_catalog.errors import InvalidDataError
from data_catalog.storage.atomic_files import atomic_path


def batch_name(members: tuple[int, ...]) -> str:
    digest = hashlib.sha256(repr(members).encode()).hexdigest()[:8]
    return f"members-{members[0]:05d}-{members[-1]:05d}-{digest}"


def stored_states(directory: Path | None, shape: tuple[int, ...], lead_steps: int) -> Iterator[Tensor]:
    """States of an earlier, interrupted forecast, up to the first that is absent."""
    if directory is None:
        return
    for lead_step in range(1, lead_steps + 1):
        if not state_path(directory, lead_step).exists():
            return
        yield load_state(directory, lead_step, shape)


def state_path(directory: Path, lead_step: int) -> Path:
    return directory / f"{lead_step:05d}.npy"


def load_state(directory: Path, lead_step: int, shape: tuple[int, ...]) -> Tensor:
    path = state_path(directory, lead_step)
    state = np.load(path, allow_pickle=False)
    if state.shape != shape:
        raise InvalidDataError(f"{path}: expected a state of shape {shape}, found {state.shape}")
    return torch.from_numpy(state)


def store_state(directory: Path, lead_step: int, state: Tensor) -> None:
    with atomic_path(state_path(directory, lead_step)) as partial, partial.open("wb") as file:
        np.save(file, state.cpu().numpy(), allow_pickle=False)
