"""Cross-fitted residuals come from anchors that never saw the year."""

import numpy as np
import pytest
import torch

from forecast.anchors.anchor import FittedAnchor, PersistenceAnchor
from forecast.anchors.harmonic import HarmonicAnchor
from forecast.anchors.linear import LinearAnchor
from forecast.sphere.grid import Grid

GRID = Grid(np.linspace(-78.75, 78.75, 8), np.arange(16) * 22.5)


def linear():
    return LinearAnchor(eofs=4, past_states=2, shape=(2, 8, 16))


def harmonic():
    return HarmonicAnchor(truncation=4, fading=0, past_states=2, channels=2, grid=GRID)


KINDS = pytest.mark.parametrize("make", [linear, harmonic])


@KINDS
def test_it_predicts_what_moves_on_evenly(make, waves, starts_of, scalars, globe):
    states = waves(300)
    anchor = make()
    anchor.fit(states[:200], starts_of(200), globe.area_weights())
    past, following = torch.stack([states[200:298], states[201:299]], dim=1), states[202:]
    missed = (anchor(past, scalars(98)) - following).square().mean().sqrt()
    assert missed < 0.13
    assert (states[201:299] - following).square().mean().sqrt() > 0.2


@KINDS
def test_each_year_is_predicted_by_an_anchor_that_was_fitted_without_it(make, waves, starts_of, scalars, globe):
    """Changing the states of a year changes the anchor of all years, but not the one that predicts that year."""
    years = torch.arange(300) // 100 + 2001
    states = waves(300)
    spoiled = states.clone()
    spoiled[100:200] += torch.randn(100, 2, 8, 16, generator=torch.Generator().manual_seed(5))
    fitted = []
    for each in (states, spoiled):
        anchor = make()
        anchor.fit(each, starts_of(300), globe.area_weights())
        anchor.fit_without_each_year(each, starts_of(300), years, globe.area_weights())
        fitted.append(anchor)
    past, given = torch.stack([states[:6], states[1:7]], dim=1), scalars(6)
    of_2002 = [anchor(past, given, torch.full((6,), 2002)) for anchor in fitted]
    torch.testing.assert_close(of_2002[0], of_2002[1], rtol=0, atol=0)
    for year in (None, torch.full((6,), 2001), torch.full((6,), 1999)):
        assert (fitted[0](past, given, year) - fitted[1](past, given, year)).abs().max() > 1e-3


@KINDS
def test_it_is_exactly_the_anchor_of_the_other_years(make, waves, starts_of, scalars, globe):
    years = torch.arange(300) // 100 + 2001
    states, starts = waves(300), starts_of(300)
    anchor = make()
    anchor.fit_without_each_year(states, starts, years, globe.area_weights())
    other = make()
    other.fit(states[100:], starts_of(200), globe.area_weights())
    past, given = torch.stack([states[:6], states[1:7]], dim=1), scalars(6)
    torch.testing.assert_close(anchor(past, given, torch.full((6,), 2001)), other(past, given))


def test_years_are_mixed_in_a_batch():
    class Constant(PersistenceAnchor):
        def __init__(self, value):
            super().__init__()
            self.value = value

        def predict(self, past, scalars):
            return torch.full_like(past[:, -1], self.value)

    anchor = Constant(0.0)
    anchor.use_for_years([2001, 2003], Constant(1.0))
    anchor.use_for_years([2002], Constant(2.0))
    years = torch.tensor([2003, 2002, 2007, 2001])
    found = anchor(torch.zeros(4, 1, 1, 2, 2), torch.zeros(4, 7), years)
    assert found[:, 0, 0, 0].tolist() == [1, 2, 0, 1]
    assert anchor(torch.zeros(4, 1, 1, 2, 2), torch.zeros(4, 7)).abs().max() == 0


@KINDS
def test_cross_fitted_anchors_are_not_in_the_checkpoint(make, waves, starts_of, globe):
    anchor = make()
    names = set(anchor.state_dict())
    anchor.fit_without_each_year(waves(300), starts_of(300), torch.arange(300) // 100, globe.area_weights())
    assert set(anchor.state_dict()) == names


@KINDS
def test_one_year_cannot_be_cross_fitted(make, waves, starts_of, globe):
    with pytest.raises(ValueError, match=r"years: expected two or more, found \[2001\]"):
        make().fit_without_each_year(waves(50), starts_of(50), torch.full((50,), 2001), globe.area_weights())


@KINDS
def test_it_is_differentiable_in_the_past(make, waves, starts_of, scalars, globe):
    anchor: FittedAnchor = make()
    anchor.fit(waves(100), starts_of(100), globe.area_weights())
    past = torch.randn(2, 2, 2, 8, 16, requires_grad=True)
    anchor(past, scalars(2)).square().sum().backward()
    assert past.grad.abs().max() > 0
