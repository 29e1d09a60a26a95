"""What is measured: the data, and a register of cases, each a public score beside the peers that compute the same."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from types import ModuleType
from typing import Any

import numpy as np
import xarray as xr

GRID = ("latitude", "longitude")
DIMS = ("lead_time", *GRID)
Timed = Callable[[], Any]


@dataclass(frozen=True)
class Case:
    """A score and its peers, all ready to be called.

    Attributes:
        ours: Our score.
        peers: By their names.
        tolerance: Relative difference within which values agree; they are compared where both are finite.
    """

    ours: Timed
    peers: dict[str, Timed]
    tolerance: float = 1e-4


@dataclass(frozen=True)
class Data:
    """Float32 ensemble and analysis, drawn alike, on a global grid."""

    members: int
    leads: int
    latitudes: int
    longitudes: int

    @cached_property
    def x(self) -> np.ndarray:
        shape = (self.members, self.leads, self.latitudes, self.longitudes)
        return np.random.default_rng(0).standard_normal(shape, dtype=np.float32)

    @cached_property
    def y(self) -> np.ndarray:
        return np.random.default_rng(1).standard_normal(self.x.shape[1:], dtype=np.float32)

    @cached_property
    def last(self) -> np.ndarray:
        """The ensemble with members last in memory, for peers that are faster so."""
        return np.ascontiguousarray(np.moveaxis(self.x, 0, -1))

    @cached_property
    def fields(self) -> tuple[xr.DataArray, xr.DataArray]:
        coords = {
            "latitude": np.linspace(-90, 90, self.latitudes),
            "longitude": np.arange(self.longitudes) * (360 / self.longitudes),
        }
        return xr.DataArray(self.x, dims=("member", *DIMS), coords=coords), xr.DataArray(self.y, coords, DIMS)

    @cached_property
    def one(self) -> tuple[xr.DataArray, xr.DataArray]:
        """A forecast without members, and the analysis."""
        return self.fields[0].isel(member=0), self.fields[1]

    @cached_property
    def probability(self) -> tuple[xr.DataArray, xr.DataArray]:
        """Share of members above 0.5, and whether the analysis is above it."""
        forecast, analysis = self.fields
        return (forecast > 0.5).mean("member"), (analysis > 0.5).astype(float)


CASES: dict[str, Callable[[Data], Case]] = {}
NO_PEER: dict[str, str] = {}
"""Public scores that no library is known to compute, and why."""


def case(*names: str) -> Callable[[Callable[..., Case]], Callable[..., Case]]:
    """Register a function of the data that makes a case, under each name; it gets the score's name if it takes one."""

    def register(make: Callable[..., Case]) -> Callable[..., Case]:
        for name in names:
            CASES[name] = (lambda data, name=name: make(data, name)) if len(names) > 1 else make
        return make

    return register


def installed(name: str) -> ModuleType | None:
    """A library, or None where it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def score_name(case_name: str) -> str:
    """`brier_score` of the case `brier_score: 3 thresholds`."""
    return case_name.split(":", maxsplit=1)[0]
