"""Physics gates of a model: whether its members look and behave like the weather of the test period.

The limits come from the analyses of the validation period and the number of starts and members alone. Nothing of the
model or of the test period goes into them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray

from data_catalog.errors import ConfigurationError
from data_catalog.layout.times import day, iso
from data_catalog.sources.locations import Location
from forecast.checkpoints.checkpoint import Checkpoint
from forecast.members.gather import ensemble_forecast, lead_times
from forecast.system.periods import Period
from forecast.system.system import System
from forecast.verification.cycle_scores import score_weights
from forecast.verification.realism.bands import band_power, is_globe
from forecast.verification.realism.channels import geostrophic_levels, layers, wind_levels
from forecast.verification.realism.gates import Gate
from forecast.verification.realism.judging import (
    SPREAD_TOLERANCE,
    device_gate,
    not_measured,
    rank_gate,
    ratio_gate,
    scatter_of_ranks,
)
from forecast.verification.realism.measures import (
    Pair,
    departing,
    differences,
    geostrophic,
    hydrostatic,
    kinetic_energy,
    rank_moments,
    spectra,
)
from forecast.verification.realism.noise import relative_scatter
from forecast.verification.realism.regimes import Regimes, fit_regimes
from forecast.verification.realism.report import GateRecord, RealismReport
from pipelines.scoring.baselines import read_baselines
from pipelines.scoring.realism_fields import RealismFields
from pipelines.terminal.progress import progress
from pipelines.terminal.times import parse_end, parse_time
from pipelines.workspace.analyses import open_system_analysis
from pipelines.workspace.checkpoints import BASELINES_FILE
from pipelines.workspace.open_checkpoint import open_checkpoint
from pipelines.workspace.starts import spaced_starts, startable

REFERENCE_DAYS = 60
"""Days of the validation period, at most, that limits come from."""
TRAINING_DAYS = 400
"""Days of the training period, at most, that regimes come from."""
LEADS = 4
"""Lead times that are measured, from the first to the last, evenly spaced in their logarithm."""
READ_WHOLE_BYTES = 2**30
SHARED_POINTS = 16384
"""Points of the grid, at most, at which the weather's changes are ranked for the limits of ranks."""


@dataclass(frozen=True)
class RealismRequest:
    """What to measure.

    Attributes:
        system: The system.
        analysis: Archive or file to start from and to compare with.
        checkpoint: Directory of the model, and of its baselines, which hold the index of analogues.
        period: Days of the starts.
        starts: Number of forecasts, spread evenly over the period.
        members: Size of each ensemble, at least 2.
        lead_steps: Length of each forecast, in steps of the system.
        device: Device to compute on.
    """

    system: System
    analysis: Location
    checkpoint: Path
    period: Period
    starts: int
    members: int
    lead_steps: int
    device: str = "cpu"


@dataclass(frozen=True)
class _Start:
    """The measures of one start, by name of the gate; a measure that there is none of is absent."""

    pairs: dict[str, Pair]
    ranks: xr.Dataset
    regime: str


class _Bench:
    """What every start is measured with."""

    def __init__(self, request: RealismRequest) -> None:
        self.request, self.system = request, request.system
        self.checkpoint: Checkpoint = open_checkpoint(request.checkpoint, request.system)
        analysis = open_system_analysis(request.analysis, request.system)
        # A small one is read once: every start would read its chunks anew.
        self.analysis = analysis.load() if analysis.nbytes <= READ_WHOLE_BYTES else analysis
        self.channels = request.system.state.predictands
        every = lead_times(request.system, request.lead_steps)
        steps = np.unique(np.geomspace(1, request.lead_steps, LEADS).round().astype(int))
        self.leads: NDArray[np.timedelta64] = every[steps - 1]
        self.weights = score_weights(request.system, self.analysis, request.analysis)
        self.fields = RealismFields(self.analysis, self.checkpoint.standardiser)
        self.layers = layers(self.channels)
        self.globe = is_globe(self.analysis)
        path = request.checkpoint / BASELINES_FILE
        self.baselines = read_baselines(path).baselines if path.exists() else None

    def forecast(self, init_time: np.datetime64, device: str | None = None) -> xr.Dataset:
        """Members at the lead times that are measured."""
        made = ensemble_forecast(
            self.checkpoint,
            self.system,
            self.analysis,
            init_time,
            members=self.request.members,
            lead_steps=self.request.lead_steps,
            device=device or self.request.device,
        )
        return made.sel(lead_time=self.leads)

    def spaced(self, period: Period, count: int, lead_steps: int | None = None) -> NDArray[np.datetime64]:
        """Times evenly spaced over a period."""
        steps = self.request.lead_steps if lead_steps is None else lead_steps
        times = self.analysis["time"].values
        return spaced_starts(self.system, times, period, count=count, lead_steps=steps)

    def analogue(self, init_time: np.datetime64) -> np.datetime64 | None:
        """The past state most like that of a start that a forecast can start from."""
        if self.baselines is None or not self.baselines.leads_of("analogue", init_time, self.leads).size:
            return None
        possible = startable(self.system, self.analysis["time"].values)
        found = self.baselines.analogue_times(self.analysis, init_time, 3)
        there = found[np.isin(found, possible) & np.isin(found + self.leads[-1], self.analysis["time"].values)]
        return there[0] if there.size else None

    def physical(self, fields: xr.Dataset, valid: NDArray[np.datetime64]) -> dict[str, xr.DataArray]:
        """Energies and imbalances of fields in SI units, as far as there are channels for them; means over members."""
        found = {}
        if self.globe and wind_levels(self.channels):
            found["wind-spectrum"] = kinetic_energy(fields)
        if geostrophic_levels(self.channels):
            found["geostrophic-balance"] = geostrophic(fields)
        if self.layers:
            found["hydrostatic-balance"] = hydrostatic(
                fields, self.fields.climatology(valid, "time" if "time" in fields.dims else "lead_time"), self.layers
            )
        return {name: each.mean("member") if "member" in each.dims else each for name, each in found.items()}


def realism_period(system: System, start: str | None, end: str | None) -> Period:
    """Return the days to start from, by default those of the test period.

    Args:
        system: The system.
        start: First day, ISO 8601; None for that of the test period.
        end: Last day; None for that of the test period.

    Raises:
        ConfigurationError: A text is no time, or the end is before the start.
    """
    test = system.periods.test
    first = test.start if start is None else parse_time(start, "--start").astype("datetime64[D]").item()
    last = test.end if end is None else parse_end(end, "--end").astype("datetime64[D]").item()
    if last < first:
        raise ConfigurationError(f"--end: expected a day not before --start {first}, found {last}")
    return Period(start=first, end=last)


def measure_realism(request: RealismRequest) -> RealismReport:
    """Forecast from many starts, and judge the members by every gate.

    Args:
        request: What to measure.

    Returns:
        All gates with their figures and limits.

    Raises:
        ConfigurationError: The checkpoint is of another system.
        MissingDataError: A period has no start with all the analyses that it needs.
        InvalidDataError: The analysis or the checkpoint is damaged.
    """
    bench = _Bench(request)
    scatter = _scatter(bench)  # the limits first: nothing of the test period is read before
    regimes = _regimes(bench)
    times, found = bench.spaced(request.period, request.starts), []
    with progress(f"Physics gates of {request.system.name}", len(times), "starts") as advance:
        for init_time in times:
            found.append(_measure(bench, regimes, init_time))
            advance(len(found), iso(init_time))
    gates = [*_gates(bench, scatter, found), _devices(bench, times[0])]
    labels = [each.regime for each in found]
    validation = request.system.periods.validation
    return RealismReport(
        system=request.system.name,
        model_id=bench.checkpoint.model_id,
        period=(day(times[0]), day(times[-1])),
        limits_from=(str(validation.start), str(validation.end)),
        starts=len(times),
        members=request.members,
        lead_hours=tuple(float(lead / np.timedelta64(1, "h")) for lead in bench.leads),
        regimes={name: labels.count(name) for name in sorted(set(labels))},
        gates=tuple(GateRecord.of(gate) for gate in gates),
    )


def _regimes(bench: _Bench) -> Regimes:
    """Regimes of the first channel, from the training period."""
    times = bench.spaced(bench.system.periods.training, TRAINING_DAYS, 0)
    return fit_regimes(bench.fields.departures_at(times, bench.channels[:1]).isel(channel=0))


def _scatter(bench: _Bench) -> dict[str, xr.DataArray | xr.Dataset]:
    """How the measures of the weather itself scatter between days of the validation period."""
    found: dict[str, list[xr.DataArray]] = {}
    thin = {dim: slice(None, None, _thinning(bench.analysis)) for dim in ("latitude", "longitude")}
    for time in bench.spaced(bench.system.periods.validation, REFERENCE_DAYS):
        for name, measure in _of_weather(bench, time, thin):
            found.setdefault(name, []).append(measure)
    whole = {name: xr.concat(each, "time", coords="minimal", compat="override") for name, each in found.items()}
    changes = whole.pop("changes")
    return {
        **{name: relative_scatter(each) for name, each in whole.items()},
        "ranks": scatter_of_ranks(changes, bench.weights),
    }


def _of_weather(bench: _Bench, time: np.datetime64, thin: dict[str, slice]) -> Iterator[tuple[str, xr.DataArray]]:
    """The measures of the weather of one day, and its changes to later ones, which stand for errors of forecasts."""
    now = bench.fields.departures_at(np.array([time])).isel(time=0)
    changes = bench.fields.verifying(time, bench.leads) - now
    yield "spectrum", band_power(now)
    yield "differences", band_power(changes)
    yield "changes", changes.isel(thin).astype(np.float32)
    fields = bench.fields.at(np.array([time]))
    yield from ((name, each.isel(time=0)) for name, each in bench.physical(fields, np.array([time])).items())


def _measure(bench: _Bench, regimes: Regimes, init_time: np.datetime64) -> _Start:
    made, valid = bench.forecast(init_time), init_time + bench.leads
    members, analysis = bench.fields.departures(made, init_time), bench.fields.verifying(init_time, bench.leads)
    pairs = {"spectrum": spectra(members, analysis), "spread-by-scale": differences(members, analysis)}
    ours = bench.physical(made, valid)
    if ours:
        theirs = bench.physical(bench.fields.led(init_time, bench.leads), valid)
        pairs |= {name: Pair(ours[name], theirs[name]) for name in ours}
    other = bench.analogue(init_time)
    if other is not None:
        followed = bench.fields.departures(bench.forecast(other), other)
        weather = bench.fields.verifying(other, bench.leads)
        pairs["growth-from-analogues"] = departing((members, followed), (analysis, weather))
    state = bench.fields.departures_at(np.array([init_time]), bench.channels[:1]).isel(time=0, channel=0)
    return _Start(pairs, rank_moments(members, analysis, bench.weights), regimes.of(state))


def _gates(bench: _Bench, scatter: dict[str, xr.DataArray | xr.Dataset], found: list[_Start]) -> Iterator[Gate]:
    absent = _absent(bench, found)
    names = ("spectrum", "wind-spectrum", "spread-by-scale", "growth-from-analogues")
    for name in (*names, "geostrophic-balance", "hydrostatic-balance"):
        if name in absent:
            yield not_measured(name, absent[name])
            continue
        pairs = [each.pairs[name] for each in found if name in each.pairs]
        of_differences = name in ("spread-by-scale", "growth-from-analogues")
        spread = scatter["differences" if of_differences else name]
        assert isinstance(spread, xr.DataArray)
        tolerance = {"tolerance": SPREAD_TOLERANCE} if of_differences else {}
        yield ratio_gate(name, pairs, spread, bench.request.members, **tolerance)
    ranks = scatter["ranks"]
    assert isinstance(ranks, xr.Dataset)
    yield rank_gate([each.ranks for each in found], [each.regime for each in found], ranks)


def _absent(bench: _Bench, found: list[_Start]) -> dict[str, str]:
    """Why some gates can have no figures."""
    absent = {}
    if not wind_levels(bench.channels):
        absent["wind-spectrum"] = "no level has both u and v among the channels"
    elif not bench.globe:
        absent["wind-spectrum"] = "on a part of the globe the split into rotational and divergent wind is not unique"
    if not geostrophic_levels(bench.channels):
        absent["geostrophic-balance"] = "no pressure level has z, u and v among the channels"
    if not bench.layers:
        absent["hydrostatic-balance"] = "no layer between two geopotentials, or above sea level, has a temperature"
    if not any("growth-from-analogues" in each.pairs for each in found):
        absent["growth-from-analogues"] = "no index of analogues beside the checkpoint with states of other years"
    return absent


def _devices(bench: _Bench, init_time: np.datetime64) -> Gate:
    """Members with the same noise on the CPU and on a GPU, if there is one."""
    if not torch.cuda.is_available():
        return not_measured("device", "no GPU on this machine")
    both = [bench.fields.departures(bench.forecast(init_time, device), init_time) for device in ("cpu", "cuda")]
    return device_gate(abs(both[0] - both[1]).max(["member", "latitude", "longitude"]))


def _thinning(analysis: xr.Dataset) -> int:
    points = analysis.sizes["latitude"] * analysis.sizes["longitude"]
    return max(1, int(np.ceil(np.sqrt(points / SHARED_POINTS))))
