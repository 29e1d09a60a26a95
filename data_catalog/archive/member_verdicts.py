"""One verdict on an ensemble of analyses, from those on its members."""

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from data_catalog.quality.verdicts import Judgement, Suspicion

_MARK = "@"
"""In the key of a fingerprint, between the channel and the position of the member."""


def of_members(found: Sequence[Judgement], members: Sequence[int]) -> Judgement:
    """Join the judgements on all members: what is suspect in one is suspect in the ensemble.

    Args:
        found: Of each member, on the same times.
        members: Numbers of the members; empty for single analyses, whose judgement is returned as it is.
    """
    if not members:
        return found[0]
    by_place: dict[tuple[np.datetime64 | None, str], list[tuple[int, str]]] = {}
    for one, number in _copies(found, members):
        by_place.setdefault((one.time, one.channel), []).append((number, one.reason))
    for number, judgement in zip(members, found, strict=True):
        for one in judgement.suspicions:
            if one.time is not None or number == members[0]:
                by_place.setdefault((one.time, one.channel), []).append((number, one.reason))
    measured: Counter[str] = Counter()
    for judgement in found:
        measured.update(judgement.measured)
    prints = {
        f"{name}{_MARK}{place}": own
        for place, judgement in enumerate(found)
        for name, own in judgement.fingerprints.items()
    }
    suspicions = tuple(
        Suspicion(time, name, reasons[0][1] if time is None else _words(reasons))
        for (time, name), reasons in by_place.items()
    )
    return Judgement(found[0].times, suspicions, dict(measured), prints)


def member_of(key: str) -> tuple[int, str]:
    """Return position of the member, and channel, of a fingerprint.

    Args:
        key: Key of the fingerprint in the ledger.
    """
    name, _, place = key.partition(_MARK)
    return int(place or 0), name


def _words(reasons: Sequence[tuple[int, str]]) -> str:
    count = len({number for number, _ in reasons})
    others = f" (and {count - 1} more)" if count > 1 else ""
    return f"member {reasons[0][0]}{others}: {reasons[0][1]}"


def _copies(found: Sequence[Judgement], members: Sequence[int]) -> Iterator[tuple[Suspicion, int]]:
    """Members that are copies of an earlier one at the same time."""
    for name in found[0].fingerprints:
        for index, time in enumerate(found[0].times):
            first: dict[str, int] = {}
            for number, judgement in zip(members, found, strict=True):
                earlier = first.setdefault(judgement.fingerprints[name][index], number)
                if earlier != number:
                    yield Suspicion(time, name, f"a copy of member {earlier}"), number
