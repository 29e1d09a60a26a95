"""Which channels of a system tell of wind, and of geostrophic and hydrostatic balance."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from data_catalog.layout.variables import channel

SEA_LEVEL_HPA = 1000.0
"""Where the pressure at mean sea level counts as a level whose geopotential is 0."""


@dataclass(frozen=True)
class Layer:
    """A layer of the atmosphere whose thickness and temperature are channels.

    Attributes:
        lower: Channel of the geopotential at its lower boundary, or `msl`.
        upper: Channel of the geopotential at its upper boundary.
        temperature: Channel of a temperature in it.
    """

    lower: str
    upper: str
    temperature: str

    @property
    def name(self) -> str:
        """Such as `msl-z500 and t850`."""
        return f"{self.lower}-{self.upper} and {self.temperature}"


def wind_levels(names: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Return the eastward and northward channels of each level that has both, by its name, such as `850`.

    Args:
        names: Channels of a system.
    """
    there = set(names)
    pairs = {name[1:]: (name, f"v{name[1:]}") for name in there if name.startswith("u") and name[1:].isdigit()}
    return {level: pairs[level] for level in sorted(pairs, key=int, reverse=True) if pairs[level][1] in there}


def geostrophic_levels(names: Iterable[str]) -> dict[str, tuple[str, str, str]]:
    """Return the channels of geopotential, eastward and northward wind of each pressure level that has all three.

    Args:
        names: Channels of a system.
    """
    there = set(names)
    return {
        level: (f"z{level}", *winds)
        for level, winds in wind_levels(there).items()
        if f"z{level}" in there and channel(winds[0]).level_hpa is not None
    }


def layers(names: Iterable[str]) -> list[Layer]:
    """Return the layers between neighbouring geopotentials that hold a temperature, from the ground up.

    Args:
        names: Channels of a system; `msl` is the lowest geopotential where there is none at 1000 hPa.
    """
    there = list(names)
    heights = _levels(there, "z")
    if "msl" in there and SEA_LEVEL_HPA not in heights:
        heights = {SEA_LEVEL_HPA: "msl", **heights}
    temperatures = _levels(there, "t")
    found = []
    for lower, upper in zip(heights, list(heights)[1:], strict=False):
        inside = [level for level in temperatures if upper <= level <= lower]
        if inside:
            near = min(inside, key=lambda level: abs(float(np.log(level**2 / (lower * upper)))))
            found.append(Layer(heights[lower], heights[upper], temperatures[near]))
    return found


def _levels(names: Iterable[str], short: str) -> dict[float, str]:
    """Channels of a variable by pressure level, hPa, from the ground up."""
    known = {name: channel(name) for name in names}
    found = {
        float(one.level_hpa): name
        for name, one in known.items()
        if one.variable.short_name == short and one.level_hpa is not None
    }
    return dict(sorted(found.items(), reverse=True))
