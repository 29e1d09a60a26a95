"""Channels against each other."""

import numpy as np
import pytest

from data_catalog.quality.relations import between, cross_validated, fit_relations, lag_gains, relations

FOLLOWS = np.arange(200) > 0


@pytest.fixture
def pair() -> dict[str, np.ndarray]:
    """Two channels that say most of each other, with a memory of days."""
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((210, 5))
    state = np.stack([np.convolve(one, [0.8, 0.6], "valid") for one in noise.T], axis=1)[:200]
    maps = rng.standard_normal((2, 5, 30))
    return {
        name: state @ one + 0.1 * rng.standard_normal((200, 30)) for name, one in zip(("a", "b"), maps, strict=True)
    }


def test_a_contradiction_is_seen_in_either_channel(pair) -> None:
    known = fit_relations(pair, FOLLOWS)
    pair["a"][90] = -pair["a"][90]
    found = relations(pair, FOLLOWS, known)
    assert found["a"]["relation"].values.argmax() == 90
    assert found["a"]["context"].values[90] > 3


def test_something_new_is_finer(pair) -> None:
    known = fit_relations(pair, FOLLOWS)
    pair["b"][17] += 5 * np.random.default_rng(1).standard_normal(30)
    assert relations(pair, FOLLOWS, known)["b"]["finer"].values.argmax() == 17


@pytest.mark.parametrize("fitted_here", [True, False])
def test_a_shift_in_time_is_seen(pair, fitted_here: bool) -> None:
    known = fit_relations(pair, FOLLOWS)
    assert max(one.values.max() for one in lag_gains(pair, FOLLOWS, known, fitted_here=fitted_here).values()) < 0.05
    pair["a"] = np.roll(pair["a"], 1, axis=0)
    known = fit_relations(pair, FOLLOWS) if fitted_here else known
    gains = lag_gains(pair, FOLLOWS, known, fitted_here=fitted_here)
    assert max(one.values.max() for one in gains.values()) > 0.3


def test_few_times_say_nothing(pair) -> None:
    assert fit_relations({name: one[:30] for name, one in pair.items()}, FOLLOWS[:30]) is None
    known = fit_relations(pair, FOLLOWS)
    assert lag_gains({name: one[:9] for name, one in pair.items()}, FOLLOWS[:9], known, fitted_here=False) == {}


def test_noise_is_not_explained() -> None:
    rng = np.random.default_rng(0)
    given, wanted = rng.standard_normal((200, 20)), rng.standard_normal((200, 2))
    assert np.mean(cross_validated(given, wanted) ** 2) > 1
    assert between(np.array([False, True, True, False])).tolist() == [False, True, False, False]
