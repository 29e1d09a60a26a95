"""The verdict on each time and channel: good, suspect or missing, and why."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

GOOD, SUSPECT, MISSING, NOT_JUDGED = "good", "suspect", "missing", "not judged"


@dataclass(frozen=True)
class Suspicion:
    """Why a time of a channel is not believed.

    Attributes:
        time: Valid time; None for a channel without time.
        channel: Name of the channel.
        reason: What is wrong, in words with numbers.
    """

    time: np.datetime64 | None
    channel: str
    reason: str


@dataclass(frozen=True)
class Judgement:
    """What the checks found in some times.

    Attributes:
        times: The times that were judged.
        suspicions: What is not believed of them; all else is good.
        measured: Number of measurements of each check that applies to these channels.
        fingerprints: Digests of the fields of each channel, in the order of the times.
    """

    times: NDArray[np.datetime64]
    suspicions: tuple[Suspicion, ...]
    measured: Mapping[str, int]
    fingerprints: Mapping[str, tuple[str, ...]]

    @property
    def failed_checks(self) -> tuple[str, ...]:
        """Checks that apply and measured nothing, so that they prove nothing."""
        return tuple(check for check, count in self.measured.items() if not count)
