"""Who is scored, and the name of each in a score archive.

A forecaster of ours stands under its name and a version, `plumecast@3fa8b2c1`: a digest of the model, of what decides
its members, and of how many there are. So a changed model starts a series of its own beside the old one, and the two
can be compared; nothing of different models is ever pooled.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from forecast.system.system import System
from forecast.verification.evaluation_report import MODEL

VERSION_DIGITS = 8


@dataclass(frozen=True)
class Forecaster:
    """Who made a forecast of one cycle.

    Attributes:
        name: In tables: `plumecast`, `linear` ...
        version: Facts that tell versions of one name apart.
        about: Further facts, which must not change for a cycle.
    """

    name: str
    version: Mapping[str, str] = field(default_factory=dict)
    about: Mapping[str, str] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """Name in the archive."""
        facts = json.dumps(dict(self.version), sort_keys=True).encode()
        return f"{self.name}@{short_digest(facts)}" if self.version else self.name


@dataclass(frozen=True)
class PlannedForecast:
    """A forecast that can be made from one start.

    Attributes:
        forecaster: Who makes it.
        lead_times: Lead times at which the forecaster can.
        make: Makes it: dims member, lead_time, latitude, longitude.
    """

    forecaster: Forecaster
    lead_times: NDArray[np.timedelta64]
    make: Callable[[], xr.Dataset]


def model_forecaster(
    system: System, members: Sequence[int], *, model_id: str, system_hash: str, data_hash: str, step_hours: int
) -> Forecaster:
    """The model of a system.

    Args:
        system: Whose.
        members: Their numbers.
        model_id: Of the weights.
        system_hash: Of what else decides the members.
        data_hash: Of the states that the cycle started from.
        step_hours: Length of a step; told where the model has learned several.
    """
    numbers = list(members)
    spelled = str(len(numbers)) if numbers == list(range(len(numbers))) else "number " + ", ".join(map(str, numbers))
    version = {"model": model_id, "system": system_hash, "members": spelled}
    steps = {"step_hours": str(step_hours)} if len(system.learned_step_hours) > 1 else {}
    return Forecaster(MODEL, version, {**_origin(system), **steps, "start": data_hash})


def baseline_forecasters(system: System, fitted: str, members: int, *, data_hash: str) -> list[Forecaster]:
    """The baselines beside the model of a system.

    Args:
        system: Whose; says which baselines.
        fitted: Hash of their file.
        members: How many are asked for.
        data_hash: Of the state that the cycle started from.
    """
    about = {**_origin(system), "start": data_hash}
    return [
        Forecaster(name, {"baselines": fitted, "members": "1" if name == "persistence" else str(members)}, about)
        for name in system.verification.baselines
    ]


def _origin(system: System) -> dict[str, str]:
    return {"named": system.name, "dataset": system.dataset}


def short_digest(content: bytes) -> str:
    """The first hexadecimal digits of a SHA-256, as many as a version has."""
    return hashlib.sha256(content).hexdigest()[:VERSION_DIGITS]
