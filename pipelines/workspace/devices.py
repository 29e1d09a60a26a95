"""Chooses the device to compute on."""

import torch

from data_catalog.errors import ConfigurationError


def choose_device(wanted: str) -> str:
    """Return the PyTorch device to use; `auto` takes a GPU if there is one.

    Args:
        wanted: `auto`, `cpu`, `cuda` or `cuda:N`.

    Raises:
        ConfigurationError: The name is unknown, or this machine has no such device.
    """
    if wanted == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if wanted == "cpu":
        return wanted
    if wanted == "cuda" or (wanted.startswith("cuda:") and wanted[5:].isdigit()):
        index = int(wanted[5:] or 0)
        if index < torch.cuda.device_count():
            return wanted
        raise ConfigurationError(f"--device: expected a GPU for '{wanted}', found {torch.cuda.device_count()}")
    raise ConfigurationError(f"--device: expected auto, cpu, cuda or cuda:N, found '{wanted}'")
