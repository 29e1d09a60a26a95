"""Stored states of a running forecast round-trip, up to the first missing one."""

import pytest
import torch

from data_catalog.errors import InvalidDataError
from forecast.members.stored_states import batch_name, load_state, state_path, store_state, stored_states

SHAPE = (2, 3, 4, 5)


@pytest.fixture
def states(tmp_path):
    made = [torch.randn(SHAPE, generator=torch.Generator().manual_seed(step)) for step in range(3)]
    for lead_step, state in enumerate(made, start=1):
        store_state(tmp_path / "batch", lead_step, state)
    return made


def test_a_state_round_trips_bit_for_bit(states, tmp_path):
    for lead_step, state in enumerate(states, start=1):
        assert torch.equal(load_state(tmp_path / "batch", lead_step, SHAPE), state)


def test_states_end_before_the_first_that_is_absent(states, tmp_path):
    state_path(tmp_path / "batch", 2).unlink()
    assert len(list(stored_states(tmp_path / "batch", SHAPE, 3))) == 1


def test_no_more_states_than_lead_steps(states, tmp_path):
    assert len(list(stored_states(tmp_path / "batch", SHAPE, 2))) == 2


def test_without_a_directory_nothing_is_stored():
    assert list(stored_states(None, SHAPE, 3)) == []


def test_a_state_of_another_shape_is_named(states, tmp_path):
    with pytest.raises(InvalidDataError, match=r"00001\.npy: expected a state of shape \(1, 3, 4, 5\), found \(2, 3"):
        load_state(tmp_path / "batch", 1, (1, 3, 4, 5))


def test_other_members_have_another_directory():
    names = {batch_name(members) for members in ((0, 1), (0, 2), (1, 0), (0, 1, 2), (0,))}
    assert len(names) == 5
    assert batch_name((0, 1)).startswith("members-00000-00001-")
