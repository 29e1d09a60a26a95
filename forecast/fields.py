"""What a forecast hands on: members at one lead time, as arrays, so that nobody downstream needs torch."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class MemberFields:
    """Some members of one cycle at one lead time.

    Attributes:
        members: Member numbers, in the order of the arrays.
        lead_index: 0 for the first lead time.
        lead_time: Time after `init_time`.
        fields: Channel name to float32 (member, latitude, longitude), in the channel's units.
    """

    members: tuple[int, ...]
    lead_index: int
    lead_time: np.timedelta64
    fields: dict[str, NDArray[np.float32]]
