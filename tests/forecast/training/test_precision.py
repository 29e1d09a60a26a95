"""Half precision is used only where the device computes fast in it."""

import pytest
import torch

from forecast.training import precision
from forecast.training.loop import _lower_precision
from forecast.training.precision import fast_precision


@pytest.mark.parametrize(("has", "expected"), [(True, torch.bfloat16), (False, torch.float32)])
def test_a_processor_computes_in_what_it_has(monkeypatch, has, expected):
    monkeypatch.setattr(precision, "_processor_has_bfloat16", lambda: has)
    assert fast_precision(torch.device("cpu")) == expected


def test_other_devices_compute_in_bfloat16(monkeypatch):
    monkeypatch.setattr(precision, "_processor_has_bfloat16", lambda: False)
    assert fast_precision(torch.device("cuda")) == torch.bfloat16


def test_a_training_that_asks_for_bfloat16_gets_float32_where_it_would_be_imitated(monkeypatch):
    monkeypatch.setattr(precision, "_processor_has_bfloat16", lambda: False)
    assert _lower_precision("bfloat16", torch.device("cpu")) is None
    assert _lower_precision("bfloat16", torch.device("cuda")) == torch.bfloat16
    assert _lower_precision("float32", torch.device("cuda")) is None
