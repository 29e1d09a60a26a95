"""A rollout is a generator of states, and can be continued."""

import itertools

import numpy as np
import torch

from forecast.members.rollout import rollout

INIT = np.datetime64("2001-12-10", "ns")


def states(checkpoint, system, past, lead_steps):
    def noise(lead_step, draw):
        return torch.randn(past.shape[0], *past.shape[2:], generator=torch.Generator().manual_seed(lead_step))

    return rollout(checkpoint, system.sampler, past, INIT, lead_steps, noise)


def test_a_continued_forecast_equals_an_uninterrupted_one(checkpoint, system):
    past = torch.randn(2, 2, 3, 8, 16)
    whole = list(states(checkpoint, system, past, range(1, 5)))
    first = list(states(checkpoint, system, past, range(1, 3)))
    again = torch.stack(first, dim=1)
    rest = list(states(checkpoint, system, again, range(3, 5)))
    for one, other in zip(whole, first + rest, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)


def test_steps_are_computed_lazily(checkpoint, system):
    endless = states(checkpoint, system, torch.randn(1, 2, 3, 8, 16), range(1, 10**9))
    assert len(list(itertools.islice(endless, 2))) == 2


def test_another_sampler_makes_other_states(checkpoint, system):
    past = torch.randn(1, 2, 3, 8, 16)
    heun = next(states(checkpoint, system, past, range(1, 2)))
    other = system.changed(sampler=system.sampler.changed(kind="euler"))
    assert not torch.equal(next(states(checkpoint, other, past, range(1, 2))), heun)
