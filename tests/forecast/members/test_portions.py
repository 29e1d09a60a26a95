"""Where memory is short, members are computed in smaller portions, and are the same members."""

import logging

import numpy as np
import pytest
import torch

from data_catalog.errors import ConfigurationError
from forecast.members import rollout
from forecast.members.ensemble import MemberRequest, forecast_members
from forecast.members.portions import Portions

INIT = np.datetime64("2001-12-10", "ns")
SHORT = (
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
    MemoryError(),
    RuntimeError("[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: you tried"),
)


def room_for(most, tried, error=SHORT[0]):
    """A function of positions that runs out of memory above a number of members."""

    def function(portion):
        tried.append(portion.stop - portion.start)
        if tried[-1] > most:
            raise error
        return torch.arange(portion.start, portion.stop, dtype=torch.float32)[:, None, None, None]

    return function


@pytest.mark.parametrize("error", SHORT)
@pytest.mark.parametrize(
    ("most", "attempts"), [(7, [7]), (4, [7, 4, 3]), (2, [7, 4, 2, 2, 2, 1]), (1, [7, 4, 2] + 7 * [1])]
)
def test_portions_are_halved_until_they_fit_and_hold_every_member_once(most, attempts, error):
    tried = []
    made = Portions("cuda:0").compute(7, room_for(most, tried, error))
    assert made.flatten().tolist() == list(range(7))
    assert tried == attempts


def test_a_size_that_was_too_large_is_not_tried_again():
    portions, tried = Portions("cuda:0"), []
    for _ in range(2):
        portions.compute(6, room_for(3, tried))
    assert tried == [6, 3, 3, 3, 3]


def test_each_halving_is_one_line(caplog):
    with caplog.at_level(logging.WARNING, "plumecast"):
        Portions("cuda:1").compute(8, room_for(2, []))
    assert caplog.messages == [
        "Memory of cuda:1 is short for 8 members together: 4 from here on",
        "Memory of cuda:1 is short for 4 members together: 2 from here on",
    ]


def test_too_little_for_one_member_is_said_in_one_line():
    with pytest.raises(ConfigurationError, match="memory of cuda:0: expected room to compute one member, found too"):
        Portions("cuda:0").compute(2, room_for(0, []))


def test_other_errors_are_not_tried_again():
    tried = []
    with pytest.raises(RuntimeError, match="a fault"):
        Portions("cpu").compute(4, room_for(2, tried, RuntimeError("a fault")))
    assert tried == [4]


def test_a_processor_without_room_says_so_in_the_words_that_are_looked_for():
    tried = []

    def function(portion):
        tried.append(portion.stop - portion.start)
        return torch.empty(10**15) if tried[-1] > 1 else torch.zeros(1, 1, 1, 1)

    assert len(Portions("cpu").compute(2, function)) == 2
    assert tried == [2, 1, 1]


def fields(checkpoint, system, analysis, **options):
    request = MemberRequest(INIT, range(6), 3)
    made = list(forecast_members(checkpoint, system, analysis, request, **options))
    return {(part.members, part.lead_index): part.fields for part in made}


@pytest.fixture
def narrow(monkeypatch):
    """A step that runs out of memory above two members."""
    real, tried = rollout.advance, []

    def advance(model, sampler, past, *others):
        tried.append(len(past))
        if len(past) > 2:
            raise SHORT[0]
        return real(model, sampler, past, *others)

    monkeypatch.setattr(rollout, "advance", advance)
    return tried


def test_a_forecast_goes_on_with_the_same_members(checkpoint, system, analysis, narrow, monkeypatch):
    made = fields(checkpoint, system, analysis, batch_size=6)
    assert narrow == [6, 3, 2, 2, 2] + 2 * [2, 2, 2]
    monkeypatch.undo()
    for key, expected in fields(checkpoint, system, analysis, batch_size=6).items():
        for index, name in enumerate(system.state.predictands):
            as_standardised = np.sqrt if name == "tp24" else np.asarray
            tolerance = 1e-4 * checkpoint.standardiser.std[index]
            np.testing.assert_allclose(
                as_standardised(made[key][name]), as_standardised(expected[name]), atol=tolerance, rtol=0
            )


def test_states_stored_before_are_taken_up_where_memory_is_short(checkpoint, system, analysis, tmp_path, narrow):
    request = MemberRequest(INIT, range(6), 3)
    states = forecast_members(checkpoint, system, analysis, request, batch_size=6, state_directory=tmp_path)
    first = next(states)
    states.close()
    narrow.clear()
    again = fields(checkpoint, system, analysis, batch_size=6, state_directory=tmp_path)
    assert narrow == [6, 3, 2, 2, 2, 2, 2, 2]
    np.testing.assert_array_equal(again[first.members, 0]["z500"], first.fields["z500"])
