"""Rounding changes a stored member by less than members may differ (decision 1)."""

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from forecast.products.files.rounding import MANTISSA_BITS, bit_round, kept_bits

PRETRAINED = Path(__file__).parents[4] / "forecast" / "pretrained"
LARGEST = {"z500": 59_000, "t850": 310, "msl": 106_000, "t2m": 320, "q850": 0.02, "u250": 100, "u850": 50}


def shipped_deviations() -> list[tuple[str, str, float]]:
    """Standard deviation of each channel's anomalies, from the shipped models."""
    found = []
    for directory in sorted(path for path in PRETRAINED.iterdir() if path.is_dir()):
        channels = json.loads((directory / "model.json").read_text())["system"]["state"]["predictands"]
        (weights,) = directory.glob("model-*.safetensors")
        deviations = load_file(weights)["standardiser.std"]
        found += [(directory.name, name, float(std)) for name, std in zip(channels, deviations, strict=True)]
    return found


@pytest.mark.parametrize(("system", "name", "std"), [case for case in shipped_deviations() if case[1] in LARGEST])
def test_one_step_of_the_stored_value_is_below_the_tolerance(system: str, name: str, std: float) -> None:
    step = 2.0 ** (np.floor(np.log2(LARGEST[name])) - kept_bits(name))
    assert step < 0.9e-4 * std


def test_rounding_twice_changes_nothing_and_once_moves_half_a_step() -> None:
    values = np.random.default_rng(0).normal(101_000, 800, 5000).astype(np.float32)
    rounded = bit_round(values, kept_bits("msl"))
    np.testing.assert_array_equal(bit_round(rounded, kept_bits("msl")), rounded)
    step = 2.0 ** (16 - kept_bits("msl"))
    assert kept_bits("msl") < MANTISSA_BITS
    assert 0 < np.abs(rounded - values).max() <= step / 2
