"""Chooses periods and sizes of a system for the data and the machine at hand."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from data_catalog.errors import InvalidDataError
from forecast.system.periods import Period, Periods

FLOPS_OF_CORE = 8e9
"""Operations that a core does in a second of training, as measured with small networks."""
BUDGET_SECONDS = 1800.0
"""Length of a training that a new system is sized for."""
LEAST_TRAINING_DAYS = 330
"""Fewer days do not tell the annual cycle."""
_LEAST_DAYS_APART = 14
_WHOLE_YEARS = 4
_SMALL_GRID, _LARGE_GRID = 300, 100_000
_LARGEST_IN_MEMORY = 4e9
_FEW_CHANNELS, _NARROWEST, _BATCH_SIZE = 4, 16, 16
_MOST_ITERATIONS, _FEWEST_ITERATIONS = 3000, 300


@dataclass(frozen=True)
class Sizes:
    """The sizes of a system.

    Attributes:
        patch: Grid points on each side of a patch of the network.
        widths: Channels of the network at each resolution.
        iterations: Iterations of denoising.
        finetuning_iterations: Iterations of the stage after it.
        eofs: Number of patterns of the anchor; 0 for an anchor without patterns.
        minutes: How long the training may take.
        from_archive: Whether the analyses are too many for memory.
    """

    patch: int
    widths: tuple[int, ...]
    iterations: int
    finetuning_iterations: int
    eofs: int
    minutes: float
    from_archive: bool


def split_in_time(first: date, last: date, *, where: str) -> Periods:
    """Split days into training, validation and test, in this order: by whole years, or by shares of a few.

    Args:
        first: First day of the data.
        last: Last day of the data.
        where: Dataset; errors start with it.

    Raises:
        InvalidDataError: There are too few days.
    """
    whole = [
        year for year in range(first.year, last.year + 1) if date(year, 1, 1) >= first and date(year, 12, 31) <= last
    ]
    if len(whole) >= _WHOLE_YEARS:
        count = max(1, len(whole) // 10)
        test, validation = date(whole[-count], 1, 1), date(whole[-2 * count], 1, 1)
    else:
        days = (last - first).days + 1
        share = timedelta(days=max(_LEAST_DAYS_APART, days // 10))
        test = last + timedelta(days=1) - share
        validation = test - share
    if (validation - first).days < LEAST_TRAINING_DAYS:
        needed = LEAST_TRAINING_DAYS * 5 // 4
        raise InvalidDataError(
            f"{where}: expected {needed} days, so that most of a year is left to train on, found "
            f"{(last - first).days + 1} from {first} to {last}"
        )
    day = timedelta(days=1)
    return Periods(
        training=Period(start=first, end=validation - day),
        validation=Period(start=validation, end=test - day),
        test=Period(start=test, end=last),
    )


def choose_sizes(shape: tuple[int, int], channels: int, states: int, *, cores: int) -> Sizes:
    """Choose the network, the anchor and the length of the training.

    The widest network is taken that learns enough in half an hour on some cores.

    Args:
        shape: Rows and columns of the grid.
        channels: Number of channels that are forecast.
        states: Number of states to train on.
        cores: Cores that the training may use.
    """
    points, speed = math.prod(shape), FLOPS_OF_CORE * cores
    patch = 1 if points < _SMALL_GRID else 2 if points < _LARGE_GRID else 4
    from_archive = 4.0 * points * channels * states > _LARGEST_IN_MEMORY
    eofs = 0 if from_archive else max(2, min(40 + 4 * channels, states // 10, points * channels // 4))
    base = 64 if channels <= _FEW_CHANNELS else 96
    while base // 2 >= _NARROWEST and _affordable(points / patch**2, base, speed) < 2 * _FEWEST_ITERATIONS:
        base //= 2
    affordable = _affordable(points / patch**2, base, speed)
    iterations = int(min(max(affordable // 100 * 100, _FEWEST_ITERATIONS), _MOST_ITERATIONS))
    finetuning = max(_FEWEST_ITERATIONS // 3, iterations // 4 // 50 * 50)
    sample = training_flops(points / patch**2, _widths(base))
    minutes = _BATCH_SIZE * (iterations + 2 * finetuning) * sample / speed / 60
    return Sizes(patch, _widths(base), iterations, finetuning, eofs, minutes, from_archive)


def _widths(base: int) -> tuple[int, int]:
    return base, base + base // 2


def _affordable(patches: float, base: int, speed: float) -> float:
    """Iterations of denoising that fit into the budget, with half as many operations for the stage after them."""
    return BUDGET_SECONDS * speed / (1.5 * _BATCH_SIZE * training_flops(patches, _widths(base)))


def training_flops(patches: float, widths: Sequence[int], blocks: int = 2) -> float:
    """Return about how many operations the forward and backward pass of a sample takes through a U-Net.

    Each block has two convolutions of 3 x 3 points, on the way down and on the way up; the rest takes a quarter more.

    Args:
        patches: Number of patches of the finest map.
        widths: Channels at each resolution, each half as fine as the one before.
        blocks: Residual blocks at each resolution.
    """
    convolutions = 2 * 2 * blocks
    forward: float = sum(2 * 9 * convolutions * width**2 * patches / 4**level for level, width in enumerate(widths))
    return 1.25 * 3 * forward
