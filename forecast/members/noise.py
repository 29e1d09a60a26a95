"""The seed and the noise of each member, independent of whatever else is computed."""

import hashlib
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

NoiseSource = Callable[[str, int, int, tuple[int, ...]], NDArray[np.float32]]
"""Returns the noise of a member's (seed, lead step, draw, shape), as `member_noise` does."""


def member_seeds(model_id: str, system_hash: str, init_time: np.datetime64, members: Sequence[int]) -> tuple[str, ...]:
    """Return the seed of each member, a hash of model, system, init time and member number.

    Args:
        model_id: Identity of the checkpoint with its calibration card.
        system_hash: `System.identity_hash`.
        init_time: Init time of the forecast, UTC.
        members: Member numbers, counted from 0.

    Returns:
        For each member 128 bits as 32 hexadecimal digits.
    """
    time = np.datetime_as_string(init_time.astype("datetime64[ns]"), unit="s")
    identities = (f"{model_id}|{system_hash}|{time}|{member}" for member in members)
    return tuple(hashlib.sha256(identity.encode()).hexdigest()[:32] for identity in identities)


def member_noise(seed: str, lead_step: int, draw: int, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Return the standard normal noise of one member in one lead step.

    Args:
        seed: Seed of the member, from `member_seeds`.
        lead_step: Number of the lead step, counted from 1.
        draw: Number of the draw in the lead step; 0 is the sampler's starting noise.
        shape: Shape of the noise, such as (channel, latitude, longitude).

    Source: Philox4x64-10, Salmon et al. (2011), doi:10.1145/2063384.2063405
    """
    counter = np.array([0, 0, draw, lead_step], dtype=np.uint64)
    generator = np.random.Generator(np.random.Philox(key=int(seed, 16), counter=counter))
    return generator.standard_normal(shape, dtype=np.float32)
