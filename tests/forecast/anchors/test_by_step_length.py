"""Each sample is predicted by the anchor of its own step length."""

import numpy as np
import torch

from forecast.anchors.by_step_length import SteppedAnchor
from forecast.anchors.linear import LinearAnchor
from forecast.states.conditions import step_scalars


def scalars_of(hours):
    times = np.full(len(hours), np.datetime64("2001-01-01", "ns"))
    return step_scalars(times, np.array(hours, dtype=float))


def fitted(waves, starts_of, globe):
    stepped = SteppedAnchor((12, 24), lambda: LinearAnchor(eofs=4, past_states=2, shape=(2, 8, 16)))
    for hours, seed in ((12, 0), (24, 1)):
        stepped.of_step(hours).fit(waves(100, seed=seed), starts_of(100), globe.area_weights())
    return stepped


def test_samples_of_different_steps_are_mixed_in_a_batch(waves, starts_of, globe):
    stepped = fitted(waves, starts_of, globe)
    past, hours = torch.randn(4, 2, 2, 8, 16), [24.0, 12.0, 12.0, 24.0]
    found = stepped(past, scalars_of(hours))
    for row, length in enumerate(hours):
        alone = stepped.of_step(int(length))(past[row : row + 1], scalars_of([length]))
        torch.testing.assert_close(found[row : row + 1], alone)
    assert not torch.allclose(found[0], stepped.of_step(12)(past[:1], scalars_of([12.0]))[0], atol=1e-3)


def test_years_are_left_out_of_the_anchor_of_the_sample_s_step(waves, starts_of, globe):
    stepped = fitted(waves, starts_of, globe)
    other = LinearAnchor(eofs=4, past_states=2, shape=(2, 8, 16))
    stepped.of_step(24).use_for_years([2001], other)
    past = torch.randn(3, 2, 2, 8, 16)
    found = stepped(past, scalars_of([24.0, 24.0, 12.0]), torch.tensor([2001, 2002, 2001]))
    assert found[0].abs().max() == 0  # the other anchor was never fitted
    torch.testing.assert_close(found[1:], stepped(past, scalars_of([24.0, 24.0, 12.0]))[1:])


def test_the_anchors_are_named_by_hours(waves, starts_of, globe):
    names = SteppedAnchor((12, 24), lambda: LinearAnchor(eofs=1, past_states=1, shape=(1, 2, 2))).state_dict()
    assert {name.split(".")[1] for name in names} == {"12", "24"}
