"""Members as a function of their noise are those of the forecast."""

import numpy as np
import torch

from forecast.control.conditions import Place
from forecast.control.observed_members import ObservedForecast, ObservedMembers
from forecast.control.operators import Observer
from forecast.members.ensemble import MemberRequest, forecast_members, start_states

INIT = np.datetime64("2001-12-10", "ns")
PLACE = Place(40, 40, 30, 30)


def forecast_of(checkpoint, system, analysis) -> ObservedForecast:
    observers = {
        lead: Observer(
            checkpoint.standardiser, checkpoint.grid, INIT + np.timedelta64(24 * lead, "h"), ["z500"], [PLACE]
        )
        for lead in (1, 2)
    }
    return ObservedForecast(checkpoint, system, start_states(checkpoint, system, analysis, INIT), INIT, observers)


def test_own_noise_leads_to_the_free_members(checkpoint, system, analysis) -> None:
    members = ObservedMembers(forecast_of(checkpoint, system, analysis), (3, 1))
    with torch.no_grad():
        seen = members.observe(members.noise)
    for made in forecast_members(checkpoint, system, analysis, MemberRequest(INIT, (3, 1), 2), batch_size=2):
        state = checkpoint.standardiser
        valid = INIT + made.lead_time
        expected = torch.from_numpy(made.fields["z500"])
        weights = Observer(state, checkpoint.grid, valid, ["z500"], [PLACE])._weights.view(8, 16)
        np.testing.assert_allclose(seen[:, made.lead_index], (expected * weights).sum((1, 2)), rtol=1e-5)


def test_noise_is_taken_apart_by_member_and_draw(checkpoint, system, analysis) -> None:
    members = ObservedMembers(forecast_of(checkpoint, system, analysis), (3, 1))
    parts = dict(members.draws_of(members.noise))
    assert {key[0] for key in parts} == set(members.seeds)
    assert {key[1] for key in parts} == {1, 2}
    assert all(values.shape == (3, 8, 16) for values in parts.values())
    first = parts[members.seeds[0], 1, 0]
    np.testing.assert_array_equal(members.noise[0, : first.size].view(3, 8, 16), first)
