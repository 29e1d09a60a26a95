"""Members meet conditions with a sampler of several evaluations and with one, and are functions of their number."""

import numpy as np
import pytest

from data_catalog.errors import ConfigurationError
from forecast.control.conditions import parse_condition
from forecast.control.guidance import conditioned
from forecast.control.operators import place_weights
from forecast.members.ensemble import MemberRequest, forecast_members

INIT = np.datetime64("2001-12-10", "ns")
REQUEST = MemberRequest(INIT, range(3), 2)


@pytest.fixture
def quick(system):
    """The system with one evaluation a lead step."""
    return system.changed(sampler=system.sampler.changed(kind="euler", sampling_steps=1))


def seen(checkpoint, system, analysis, request, condition) -> np.ndarray:
    weights = place_weights(condition.place, checkpoint.grid)
    made = forecast_members(checkpoint, system, analysis, request, batch_size=4)
    at_lead = [each for each in made if each.lead_time == np.timedelta64(condition.lead_hours, "h")]
    by_member = {
        member: (values * weights).sum()
        for each in at_lead
        for member, values in zip(each.members, each.fields[condition.channel], strict=True)
    }
    return np.array([by_member[member] for member in request.members])


def threshold(checkpoint, system, analysis, place: str = "40N,30E") -> str:
    """A condition that lies above most free members."""
    probe = parse_condition(f"z500@{place} > 0 at 48h")
    free = seen(checkpoint, system, analysis, MemberRequest(INIT, range(16), 2), probe)
    return f"z500@{place} > {free.mean() + 2 * free.std():.0f} at 48h"


@pytest.mark.parametrize(("kind", "steps"), [("heun", 3), ("euler", 1)])
def test_members_meet_a_threshold(checkpoint, system, analysis, kind: str, steps: int) -> None:
    system = system.changed(sampler=system.sampler.changed(kind=kind, sampling_steps=steps))
    condition = parse_condition(threshold(checkpoint, system, analysis))
    request = conditioned(checkpoint, system, analysis, REQUEST, [condition])
    free = seen(checkpoint, system, analysis, REQUEST, condition)
    held = seen(checkpoint, system, analysis, request, condition)
    assert (held > condition.value).all()
    assert not (free > condition.value).all()
    assert all(distance < 6 for distance in request.noise.distance.values())


def test_a_conditioned_member_does_not_depend_on_the_others(checkpoint, quick, analysis) -> None:
    condition = parse_condition(threshold(checkpoint, quick, analysis, "20N:60N,0E:90E"))
    together = conditioned(checkpoint, quick, analysis, REQUEST, [condition])
    alone = conditioned(checkpoint, quick, analysis, MemberRequest(INIT, (2,), 2), [condition])
    for key, values in alone.noise.moved.items():
        np.testing.assert_allclose(together.noise.moved[key], values, atol=2e-3)


def test_an_observation_draws_members_to_itself_as_far_as_its_error_says(checkpoint, quick, analysis) -> None:
    text = threshold(checkpoint, quick, analysis).replace(">", "=").replace(" at", " +- {} at")
    free = seen(checkpoint, quick, analysis, REQUEST, parse_condition(text.format(1)))
    near, far = (
        conditioned(checkpoint, quick, analysis, REQUEST, [parse_condition(text.format(error))]).noise.values
        for error in (1, 1e5)
    )
    value = parse_condition(text.format(1)).value
    assert max(abs(each[0] - value) for each in near.values()) < 5
    np.testing.assert_allclose([each[0] for each in far.values()], free, atol=0.1 * np.abs(free - value).max())


def test_what_no_member_reaches_is_refused(checkpoint, quick, analysis) -> None:
    with pytest.raises(ConfigurationError, match="no member would reach it"):
        conditioned(checkpoint, quick, analysis, REQUEST, [parse_condition("z500@40N,30E > 99000 at 48h")])
