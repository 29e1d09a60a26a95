"""Seed and noise of a member are a function of its identity, in all releases."""

import numpy as np
import pytest

from forecast.members.noise import member_noise, member_seeds

INIT = np.datetime64("2001-12-10", "ns")


def test_noise_has_its_golden_values():
    """Golden values: if this fails, members of earlier releases can no longer be reproduced."""
    seed = member_seeds("model", "system", np.datetime64("2008-01-01T00:00", "ns"), [37])[0]
    assert seed == "f8eed1c89437076319a2676bf941f7d1"
    noise = member_noise(seed, lead_step=2, draw=0, shape=(3,))
    np.testing.assert_array_equal(
        noise, np.array([-0.6519289612770081, -0.4887380301952362, -1.825212836265564], dtype=np.float32)
    )


def test_seeds_differ_in_all_that_identifies_a_member():
    seeds = {
        member_seeds(model, system_hash, init, [member])[0]
        for model in ("a", "b")
        for system_hash in ("a", "b")
        for init in (INIT, INIT + np.timedelta64(1, "D"))
        for member in (0, 1)
    }
    assert len(seeds) == 16


def test_the_unit_of_the_init_time_does_not_matter():
    assert member_seeds("a", "b", np.datetime64("2001-12-10"), [0]) == member_seeds("a", "b", INIT, [0])


def test_noise_is_independent_between_lead_steps_and_draws():
    seed = "0123456789abcdef" * 2
    noises = [member_noise(seed, step, draw, (20_000,)) for step, draw in ((1, 0), (2, 0), (1, 1))]
    correlation = np.corrcoef(noises) - np.eye(3)
    assert np.abs(correlation).max() < 0.03
    assert np.std(noises) == pytest.approx(1, abs=0.02)
