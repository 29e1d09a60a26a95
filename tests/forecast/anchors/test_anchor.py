"""Residuals are honest: of a year that the anchor never saw."""

import numpy as np
import pytest
import torch

from forecast.anchors.anchor import FittedAnchor, PersistenceAnchor
from forecast.anchors.harmonic import HarmonicAnchor
from forecast.anchors.linear import LinearAnchor, regression
from forecast.sphere.grid import Grid
from forecast.system.anchor import AnchorSettings

GRID = Grid(np.linspace(-78.75, 78.75, 8), np.arange(16) * 22.5)
REGION = Grid(np.linspace(30, 70, 8), np.linspace(-70, 10, 16))
SCALARS = torch.zeros(1, 7)


def waves(count, channels=2, seed=0):
    """Waves that go east by a tenth of a circle a step, and noise: what a linear anchor can know, and what not."""
    generator = torch.Generator().manual_seed(seed)
    step = torch.arange(count)[:, None, None, None] * 2 * np.pi / 10
    longitude = torch.from_numpy(np.deg2rad(GRID.longitude)).float()
    latitude = torch.from_numpy(np.cos(np.deg2rad(GRID.latitude))).float()[:, None]
    phase = torch.rand(1, channels, 1, 1, generator=generator) * 6
    wave = latitude**2 * torch.cos(2 * longitude - step + phase)
    return (wave + 0.1 * torch.randn(count, channels, 8, 16, generator=generator)).float()


def starts_of(count):
    return torch.arange(count - 2)[:, None] + torch.arange(3)


def linear():
    return LinearAnchor(eofs=4, past_states=2, shape=(2, 8, 16))


def harmonic():
    return HarmonicAnchor(truncation=4, fading=0, past_states=2, channels=2, grid=GRID)


KINDS = pytest.mark.parametrize("make", [linear, harmonic])


@KINDS
def test_it_predicts_what_moves_on_evenly(make):
    states = waves(300)
    anchor = make()
    anchor.fit(states[:200], starts_of(200), GRID.area_weights())
    past, following = torch.stack([states[200:298], states[201:299]], dim=1), states[202:]
    missed = (anchor(past, SCALARS.expand(98, -1)) - following).square().mean().sqrt()
    assert missed < 0.13
    assert (states[201:299] - following).square().mean().sqrt() > 0.2


@KINDS
def test_each_year_is_predicted_by_an_anchor_that_was_fitted_without_it(make):
    """Whatever is done to a year's states, its own anchor does not change; that of all years does."""
    years = torch.arange(300) // 100 + 2001
    states = waves(300)
    spoiled = states.clone()
    spoiled[100:200] += torch.randn(100, 2, 8, 16, generator=torch.Generator().manual_seed(5))
    fitted = []
    for each in (states, spoiled):
        anchor = make()
        anchor.fit(each, starts_of(300), GRID.area_weights())
        anchor.fit_without_each_year(each, starts_of(300), years, GRID.area_weights())
        fitted.append(anchor)
    past, scalars = torch.stack([states[:6], states[1:7]], dim=1), SCALARS.expand(6, -1)
    of_2002 = [anchor(past, scalars, torch.full((6,), 2002)) for anchor in fitted]
    torch.testing.assert_close(of_2002[0], of_2002[1], rtol=0, atol=0)
    for year in (None, torch.full((6,), 2001), torch.full((6,), 1999)):
        assert (fitted[0](past, scalars, year) - fitted[1](past, scalars, year)).abs().max() > 1e-3


@KINDS
def test_it_is_exactly_the_anchor_of_the_other_years(make):
    years = torch.arange(300) // 100 + 2001
    states, starts = waves(300), starts_of(300)
    anchor = make()
    anchor.fit_without_each_year(states, starts, years, GRID.area_weights())
    other = make()
    other.fit(states[100:], starts_of(200), GRID.area_weights())
    past, scalars = torch.stack([states[:6], states[1:7]], dim=1), SCALARS.expand(6, -1)
    torch.testing.assert_close(anchor(past, scalars, torch.full((6,), 2001)), other(past, scalars))


def test_it_fades_out_towards_its_truncation():
    """Of the last degree a half is kept where it fades alone, a quarter where the one before it fades too."""
    states, starts = waves(300), starts_of(300)
    past = torch.stack([states[:6], states[1:7]], dim=1)
    predicted = {}
    for fading in (0, 1, 2):
        anchor = HarmonicAnchor(truncation=4, past_states=2, channels=2, grid=GRID, fading=fading)
        anchor.fit(states, starts, GRID.area_weights())
        predicted[fading] = anchor.transform.analyse(anchor(past, SCALARS.expand(6, -1)))
        assert anchor.fresh().fading == fading
    kept = {1: [1, 1, 1, 1, 0.5], 2: [1, 1, 1, 0.75, 0.25]}
    for fading, factors in kept.items():
        torch.testing.assert_close(
            predicted[fading], predicted[0] * torch.tensor(factors), atol=1e-3, rtol=0, check_dtype=False
        )


def test_it_cannot_fade_over_more_degrees_than_it_has():
    for settings, message in (
        ({"kind": "linear", "space": "harmonics", "truncation": 3, "fading": 4}, "at most the truncation 3, found 4"),
        ({"kind": "linear", "space": "eofs", "fading": 1}, "0 without a linear anchor in harmonics, found 1"),
    ):
        with pytest.raises(ValueError, match=message):
            AnchorSettings.model_validate(settings)


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
def test_what_is_left_out_is_no_part_of_the_checkpoint(make):
    anchor = make()
    names = set(anchor.state_dict())
    anchor.fit_without_each_year(waves(300), starts_of(300), torch.arange(300) // 100, GRID.area_weights())
    assert set(anchor.state_dict()) == names


@KINDS
def test_one_year_cannot_be_cross_fitted(make):
    with pytest.raises(ValueError, match=r"years: expected two or more, found \[2001\]"):
        make().fit_without_each_year(waves(50), starts_of(50), torch.full((50,), 2001), GRID.area_weights())


@KINDS
def test_it_is_differentiable_in_the_past(make):
    anchor: FittedAnchor = make()
    anchor.fit(waves(100), starts_of(100), GRID.area_weights())
    past = torch.randn(2, 2, 2, 8, 16, requires_grad=True)
    anchor(past, SCALARS.expand(2, -1)).square().sum().backward()
    assert past.grad.abs().max() > 0


def test_turning_the_globe_turns_the_harmonic_forecast():
    anchor = harmonic()
    anchor.fit(waves(100), starts_of(100), GRID.area_weights())
    past = torch.randn(1, 2, 2, 8, 16)
    torch.testing.assert_close(anchor(past.roll(3, -1), SCALARS), anchor(past, SCALARS).roll(3, -1), atol=1e-5, rtol=0)


def test_harmonics_need_a_globe_that_resolves_them():
    with pytest.raises(ValueError, match="grid: expected a globe, found a region"):
        HarmonicAnchor(truncation=4, fading=0, past_states=2, channels=2, grid=REGION)
    with pytest.raises(ValueError, match="truncation: expected at most 7 on this grid, found 8"):
        HarmonicAnchor(truncation=8, fading=0, past_states=2, channels=2, grid=GRID)


def test_complex_regression_finds_a_turning_wave():
    generator = torch.Generator().manual_seed(0)
    wave = torch.randn(200, 3, 2, generator=generator).double()
    wave = torch.view_as_complex(wave)
    wanted = torch.polar(torch.tensor([0.9, 0.8, 0.7]).double(), torch.tensor([0.5, 1.0, -2.0]).double())
    found = regression(wave, wave * wanted, 1e-9)
    torch.testing.assert_close(found, torch.diag(wanted), atol=1e-6, rtol=0)
