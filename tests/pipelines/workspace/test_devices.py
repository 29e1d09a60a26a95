"""Devices by name."""

import pytest

from data_catalog.errors import ConfigurationError
from pipelines.workspace.devices import choose_device


def test_devices() -> None:
    assert choose_device("cpu") == "cpu"
    assert choose_device("auto") in ("cpu", "cuda")
    with pytest.raises(ConfigurationError, match="cuda:99"):
        choose_device("cuda:99")
    with pytest.raises(ConfigurationError, match="expected auto, cpu, cuda or cuda:N, found 'abacus'"):
        choose_device("abacus")
