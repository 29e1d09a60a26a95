"""Who stands in a score archive under which name, and what is known of each cycle there.

A forecaster of ours stands under its name and a version, `plumecast@3fa8b2c1`: a digest of the model, of what decides
its members, and of how many there are. So a changed model starts a series of its own beside the old one, and the two
can be compared; nothing of different models is ever pooled.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import xarray as xr

from forecast.system.system import System
from forecast.verification.archive.archive import append_cycle, read_cycle
from forecast.verification.evaluation import AXES
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
        return f"{self.name}@{_digest(json.dumps(dict(self.version), sort_keys=True))}" if self.version else self.name


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


def analysis_digests(verifying: xr.Dataset) -> dict[str, str]:
    """A fact for each verifying field: a digest of its values.

    Args:
        verifying: Dims lead_time, latitude, longitude.
    """
    facts = {}
    for name, values in verifying.items():
        ordered = values.transpose("lead_time", "latitude", "longitude").values.astype("<f4")
        for lead, plane in zip(verifying["lead_time"].values, ordered, strict=True):
            hours = float(lead / np.timedelta64(1, "h"))
            facts[f"analysis of {name} at {hours:g} h"] = _digest(np.ascontiguousarray(plane).tobytes())
    return facts


def store_scores(
    archive: Path, forecaster: Forecaster, init_time: np.datetime64, sums: xr.DataArray, judged: Mapping[str, str]
) -> bool:
    """Append a scored cycle to an archive.

    Returns:
        Whether anything of it was new.

    Raises:
        InvalidDataError: The cycle is there with other scores, or the archive cannot be written.
    """
    return append_cycle(archive, forecaster.label, init_time, sums, _facts(forecaster, judged))


def load_scores(
    archive: Path, forecaster: Forecaster, init_time: np.datetime64, judged: Mapping[str, str], wanted: xr.DataArray
) -> xr.DataArray | None:
    """Sums of a cycle that was scored before, by the same analysis; None where something of it is lacking.

    Args:
        archive: Directory.
        forecaster: Whose.
        init_time: Of the cycle.
        judged: From `analysis_digests`.
        wanted: Has the channels and lead times wanted, and the total weight of each region wanted, along `AXES` without
            the last.

    Raises:
        InvalidDataError: The cycle is there, but about something else.
    """
    sums = read_cycle(archive, forecaster.label, init_time, _facts(forecaster, judged))
    if sums is None or any(not np.isin(wanted[axis].values, sums[axis].values).all() for axis in AXES[:3]):
        return None
    chosen = sums.sel({axis: wanted[axis].values for axis in AXES[:3]})
    same = np.allclose(chosen.sel(statistic="weight").values, wanted.values, rtol=1e-9, atol=0)
    return chosen if same else None


def _facts(forecaster: Forecaster, judged: Mapping[str, str]) -> dict[str, str]:
    return {**forecaster.version, **forecaster.about, **judged}


def _origin(system: System) -> dict[str, str]:
    return {"named": system.name, "dataset": system.dataset}


def _digest(content: str | bytes) -> str:
    return hashlib.sha256(content.encode() if isinstance(content, str) else content).hexdigest()[:VERSION_DIGITS]
