"""Conversion between xarray and tensors is lossless, and missing values are errors."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.states.standardiser import Standardiser, polar_signs, static_tensor

DAY = np.timedelta64(1, "D")


@given(start=st.integers(min_value=0, max_value=390))
@settings(max_examples=10, deadline=None)
def test_fields_round_trip(checkpoint, analysis, start):
    chosen = analysis.isel(time=[start])
    tensor = checkpoint.standardiser.to_tensor(chosen)
    fields = checkpoint.standardiser.to_fields(tensor, chosen["time"].values[0])
    for name, std in zip(checkpoint.standardiser.channels, checkpoint.standardiser.std, strict=True):
        np.testing.assert_allclose(fields[name], chosen[name].values, atol=1e-3 * std, rtol=1e-5)


def test_training_states_have_mean_zero_and_unit_variance(checkpoint, analysis):
    states = checkpoint.standardiser.to_tensor(analysis.sel(time=slice("2001-01-01", "2001-11-30")))
    area = checkpoint.grid.area_weights()
    assert float((states * area).mean()) == pytest.approx(0, abs=0.02)
    torch.testing.assert_close((states.square() * area).mean(dim=(0, 2, 3)), torch.ones(3), atol=1e-3, rtol=0)


def test_lower_bound_is_where_the_field_is_at_its_minimum(checkpoint):
    time = np.datetime64("2001-06-01", "ns")
    bound = checkpoint.standardiser.lower_bounds(np.array([time]))[0]
    assert bound[:2].eq(-torch.inf).all()
    finite = torch.where(bound.isfinite(), bound, torch.zeros(()))
    assert np.abs(checkpoint.standardiser.to_fields(finite[None], time)["tp24"]).max() < 1e-5


def test_negative_precipitation_is_set_to_zero(checkpoint, analysis):
    dry = analysis.isel(time=[0]).copy(deep=True)
    dry["tp24"][...] = 0
    drier = dry.copy(deep=True)
    drier["tp24"][...] = -1e-6
    assert torch.equal(checkpoint.standardiser.to_tensor(dry), checkpoint.standardiser.to_tensor(drier))


def test_channels_keep_their_order(analysis):
    swapped = Standardiser.fit(analysis, ("tp24", "z500"))
    assert swapped.std[1] > 100 > swapped.std[0]


def test_winds_change_sign_over_the_pole_and_scalars_do_not():
    assert polar_signs(["z500", "u850", "v250", "tp24"]).tolist() == [1, -1, -1, 1]


def test_static_fields_are_scaled(analysis):
    static = static_tensor(analysis, ["orography"])
    assert static.shape == (1, 8, 16)
    assert float(static.mean()) == pytest.approx(0, abs=1e-5)
