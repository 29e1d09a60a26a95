"""What is suspect in a member is suspect in the ensemble, and the reason names the member."""

import numpy as np

from data_catalog.archive.member_verdicts import member_of, of_members
from data_catalog.quality.verdicts import Judgement, Suspicion

TIMES = np.array(["2001-01-01", "2001-01-02"], "datetime64[ns]")


def _judged(prints: tuple[str, str], *suspicions: Suspicion) -> Judgement:
    return Judgement(TIMES, suspicions, {"jumps": 2}, {"msl": prints})


def test_single_analyses_are_left_as_they_are() -> None:
    one = _judged(("a", "b"), Suspicion(TIMES[0], "msl", "a jump"))
    assert of_members([one], ()) is one


def test_reasons_name_the_members_and_counts_add_up() -> None:
    static = Suspicion(None, "lsm", "all sea")
    jump = Suspicion(TIMES[1], "msl", "a jump")
    joined = of_members(
        [_judged(("a", "b"), static), _judged(("c", "d"), static, jump), _judged(("e", "b"), jump)], (0, 4, 5)
    )
    assert joined.measured == {"jumps": 6}
    assert joined.fingerprints == {"msl@0": ("a", "b"), "msl@1": ("c", "d"), "msl@2": ("e", "b")}
    found = {(one.time, one.channel): one.reason for one in joined.suspicions}
    assert found == {
        (None, "lsm"): "all sea",
        (TIMES[1], "msl"): "member 5 (and 1 more): a copy of member 0",
    }


def test_keys_of_fingerprints_are_taken_apart() -> None:
    assert [member_of(key) for key in ("msl", "msl@0", "t850@12")] == [(0, "msl"), (0, "msl"), (12, "t850")]
