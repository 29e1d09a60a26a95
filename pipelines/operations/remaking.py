"""Makes a member of a published run again, and compares it with the member in the forecast file.

A checksum proves that a file is the one that its manifest names. That its members are what the named model makes from
the named analysis is proven by making one again: a member is a function of model, system, start and its number alone.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data_catalog.errors import ConfigurationError, InvalidDataError
from data_catalog.layout.variables import channel
from data_catalog.sources.locations import Location
from forecast.members.ensemble import forecast_members
from forecast.members.noise import member_seeds
from forecast.parallel.ranks import Ranks
from forecast.products.files.forecast_reading import open_forecast
from forecast.products.files.manifest import Manifest
from forecast.products.files.rounding import MANTISSA_BITS, bit_round, kept_bits
from forecast.products.files.runs import RunDirectory
from forecast.states.standardiser import is_amount
from pipelines.runs.cycle import Cycle
from pipelines.runs.forecast import member_request
from pipelines.runs.inputs import Inputs
from pipelines.runs.original_inputs import Sources, open_original
from pipelines.workspace.home import Home

Field = NDArray[np.float32]
TOLERANCE = 1e-3
"""Largest difference of two computations of a member, in standard deviations of the channel.

Another batch size gives other last bits, which grow with the lead: to 1.1e-4 in ten days of `speedy-5p6`.
"""


@dataclass(frozen=True)
class Remaking:
    """What a member is made again with.

    Attributes:
        home: Home directory, which holds models and archives.
        member: Number of the member; None for a random one of each run.
        checkpoint: Directory of the model; None for the one that the run names, or else the system's usual one.
        analysis: Archive or file of the analysis; None for the archive of the dataset.
        device: PyTorch device to compute on.
    """

    home: Home
    member: int | None = None
    checkpoint: Path | None = None
    analysis: Location | None = None
    device: str = "cpu"

    @property
    def sources(self) -> Sources:
        """Where model and analysis are looked for, and the device."""
        return Sources(self.home, self.checkpoint, self.analysis, self.device)


def parse_member(text: str) -> int | None:
    """Read the number of a member, or `random`, which is None.

    Args:
        text: As it was given.

    Raises:
        ConfigurationError: It is neither.
    """
    if text == "random":
        return None
    if text.isascii() and text.isdigit():
        return int(text)
    raise ConfigurationError(f"--member: expected random or the number of a member, counted from 0, found '{text}'")


def remake_member(remaking: Remaking, run: RunDirectory, manifest: Manifest) -> str:
    """Make a member of a run again, and compare all of its fields with the stored ones.

    Args:
        remaking: Which member, and with what.
        run: The run, which is what its manifest says.
        manifest: Its manifest.

    Returns:
        A few words: the member, and the largest difference in standard deviations.

    Raises:
        ConfigurationError: The run has no such member, or the model or the analysis is not the one that it names.
        MissingDataError: There is no archive of the analysis.
        InvalidDataError: The stored member is not what model, system and start make, or the seed is not its own.
    """
    member = _chosen(remaking, run, manifest)
    cycle, inputs = open_original(remaking.sources, run, manifest, (member,))
    (seed,) = member_seeds(manifest.model_id, cycle.system.identity_hash(), run.init_time, (member,))
    if manifest.seeds[str(member)] != seed:
        raise InvalidDataError(
            f"run {run.path}, member {member}: expected the seed {seed}, found {manifest.seeds[str(member)]}"
        )
    return f"member {member} made again, largest difference {_largest_difference(cycle, inputs):.2g} of a std"


def _chosen(remaking: Remaking, run: RunDirectory, manifest: Manifest) -> int:
    members = manifest.delivered.members
    member = secrets.choice(members) if remaking.member is None else remaking.member
    if member not in members:
        raise ConfigurationError(
            f"run {run.path}: expected one of its {len(members)} members, {min(members)} to {max(members)}, "
            f"found --member {member}"
        )
    return member


def _largest_difference(cycle: Cycle, inputs: Inputs) -> float:
    """Largest difference of a member from the stored one, standard deviations, with what rounding adds left out."""
    request, largest = member_request(cycle, inputs, cycle.members), 0.0
    made = forecast_members(
        inputs.checkpoint, cycle.system, inputs.analysis, request, batch_size=1, ranks=Ranks(device=cycle.device)
    )
    scales = dict(zip(inputs.checkpoint.standardiser.channels, inputs.checkpoint.standardiser.std, strict=True))
    with open_forecast(cycle.run.path, chunked=False) as stored:
        of_member = stored.sel(member=cycle.members[0])
        for step in made:
            at_lead = of_member.isel(lead_time=step.lead_index)
            for name in cycle.system.state.predictands:
                found = difference(name, at_lead[name].values, step.fields[name][0], float(scales[name]))
                if not found <= TOLERANCE:
                    raise InvalidDataError(_unlike(cycle, name, cycle.lead_hours[step.lead_index], found))
                largest = max(largest, found)
    return largest


def difference(name: str, stored: Field, made: Field, std: float) -> float:
    """Compare a stored field with one made again, both rounded as files are.

    Values that rounding took to neighbouring steps are equal.

    Args:
        name: Channel.
        stored: Field of a forecast file, SI units.
        made: The same field made again.
        std: Standard deviation of the channel, of square roots where it is an amount.

    Returns:
        The largest difference, in standard deviations; NaN if a value is missing.
    """
    bits = kept_bits(channel(name).variable.short_name)
    rounded = bit_round(made, bits)
    larger = np.maximum(np.abs(stored), np.abs(rounded))
    step = np.spacing(larger) * np.float32(2 ** (MANTISSA_BITS - bits))
    scale: Callable[[Field], Field] = np.sqrt if is_amount(name) else np.asarray
    apart = np.abs(scale(stored) - scale(rounded))
    return float(np.where(apart <= scale(larger + step) - scale(larger), 0, apart).max()) / std


def _unlike(cycle: Cycle, name: str, lead_hours: int, found: float) -> str:
    return (
        f"run {cycle.run.path}, member {cycle.members[0]}: expected {name} at {lead_hours} h within {TOLERANCE:g} of a "
        f"standard deviation of the member made again, found a difference of {found:.2g}"
    )
