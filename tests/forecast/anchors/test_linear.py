"""The linear anchor keeps no more patterns than there are, and its regression is the known one."""

import pytest
import torch

from forecast.anchors.linear import LinearAnchor, regression


def test_complex_regression_finds_a_turning_wave():
    generator = torch.Generator().manual_seed(0)
    wave = torch.randn(200, 3, 2, generator=generator).double()
    wave = torch.view_as_complex(wave)
    wanted = torch.polar(torch.tensor([0.9, 0.8, 0.7]).double(), torch.tensor([0.5, 1.0, -2.0]).double())
    found = regression(wave, wave * wanted, 1e-9)
    torch.testing.assert_close(found, torch.diag(wanted), atol=1e-6, rtol=0)


def test_the_ridge_shrinks_undetermined_coefficients():
    predictors = torch.randn(500, 2, generator=torch.Generator().manual_seed(1)).double()
    targets = predictors @ torch.tensor([[2.0], [-1.0]]).double()
    torch.testing.assert_close(regression(predictors, targets, 1e-9).squeeze(), torch.tensor([2.0, -1.0]).double())
    half = regression(predictors, targets, 1.0).squeeze()
    torch.testing.assert_close(half, torch.tensor([1.0, -0.5]).double(), atol=0.1, rtol=0)


def test_more_patterns_than_states_are_refused(waves, starts_of, globe):
    anchor = LinearAnchor(eofs=50, past_states=2, shape=(2, 8, 16))
    with pytest.raises(ValueError, match="eofs: expected at most 20, the number of states or values, found 50"):
        anchor.fit(waves(20), starts_of(20), globe.area_weights())
