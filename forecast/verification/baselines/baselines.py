"""What any system must beat: climatology, persistence, and a linear inverse model, fitted on the training period only.

A forecast is a function of kind, init time, member number and seed: neither the number of members nor that of lead
times changes a member.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from data_catalog.errors import InvalidDataError, MissingDataError
from data_catalog.layout.times import iso
from data_catalog.statistics.climatology import evaluate_climatology, fit_climatology
from data_catalog.storage.atomic_files import atomic_path, disk_errors
from forecast.verification.baselines.linear_model import LinearModel, fit_linear_model
from forecast.verification.baselines.past_dates import PastDates, keep_dates, seconds_of_day, thinned
from forecast.verification.checks import COORDINATE_TOLERANCE, UnscorableError
from forecast.verification.weighting import area_weights

Kind = Literal["climatology", "persistence", "linear"]
KINDS: tuple[Kind, ...] = get_args(Kind)
MOST_DATE_VALUES = 6_000_000
"""Climatology keeps one day in ten of the training period, instead of all, where all were more values than this."""
FORMAT = "1"
MEAN = "mean_"
DIMS = ("member", "lead_time", "latitude", "longitude")


@dataclass(frozen=True)
class Baselines:
    """Fitted baselines of one dataset.

    Attributes:
        climatology: Mean seasonal cycle, from `data_catalog.climatology`; its variables are the channels.
        deviations: Standard deviation of each channel's anomalies.
        linear: Linear inverse model of the standardised anomalies, channel after channel.
        dates: Past dates that stand for climatology.
        step_hours: Of the linear model.
    """

    climatology: xr.Dataset
    deviations: dict[str, float]
    linear: LinearModel
    dates: PastDates
    step_hours: int

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """Names of the baselines."""
        return KINDS

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the channels."""
        return tuple(self.deviations)

    def forecast(
        self,
        kind: str,
        analysis: xr.Dataset,
        init_time: np.datetime64,
        lead_times: NDArray[np.timedelta64],
        members: int,
        seed: int,
    ) -> xr.Dataset:
        """Forecast of one cycle.

        Args:
            kind: `climatology`: members are past dates of the same hour and season, each at most once, so that there
                are fewer than asked for where fewer dates are kept; `persistence`: one member, the analysis at
                `init_time`; `linear`: Gaussian members of a regression on that analysis, which know no physical bounds.
            analysis: Holds the channels at `init_time` (climatology needs its grid only).
            init_time: Start of the forecast.
            lead_times: Positive; whole steps of the model for `linear`.
            members: Members wanted.
            seed: Of the noise, or of the choice of dates.

        Returns:
            Dims (member, lead_time, latitude, longitude), float32; scalar coordinate `init_time`.

        Raises:
            UnscorableError: The kind is unknown, a lead time is no whole step, or the grid is another.
            MissingDataError: The analysis does not reach `init_time` yet.
            InvalidDataError: The analysis lacks `init_time` or a channel, or holds missing values.
        """
        if kind not in KINDS:
            raise UnscorableError(f"baseline: expected one of {list(KINDS)}, found '{kind}'")
        if members < 1:
            raise UnscorableError(f"members: expected at least 1, found {members}")
        self._check_grid(analysis)
        start = init_time.astype("datetime64[ns]")
        leads = np.asarray(lead_times).astype("timedelta64[ns]")
        fields: NDArray[np.floating[Any]]
        if kind == "climatology":
            fields = self._climatology(start, leads, members, seed)
        elif kind == "persistence":
            fields = np.repeat(self._state(analysis, start)[None, None], len(leads), axis=1)
        else:
            fields = self._linear(analysis, start, leads, members, seed)
        return self._dataset(fields, start, leads)

    def leads_of(
        self, kind: str, init_time: np.datetime64, lead_times: NDArray[np.timedelta64]
    ) -> NDArray[np.timedelta64]:
        """Those of some lead times at which a baseline of this kind can forecast.

        All of them for `persistence`; hours of the day that were fitted for `climatology`; of these, whole steps for
        `linear`, and none from an hour that was not fitted.
        """
        if kind == "persistence":
            return lead_times
        fitted = seconds_of_day(self.dates.times)
        known = np.isin(seconds_of_day(init_time + lead_times), fitted)
        if kind == "linear":
            known &= lead_times % np.timedelta64(self.step_hours, "h") == np.timedelta64(0)
            known &= np.isin(seconds_of_day(np.asarray([init_time])), fitted)
        return lead_times[known]

    def _climatology(
        self, start: np.datetime64, leads: NDArray[np.timedelta64], members: int, seed: int
    ) -> NDArray[np.float64]:
        candidates = [self.dates.candidates(start + lead).ravel() for lead in leads]
        order = _generator(seed, start).permutation(min(map(len, candidates)))[:members]
        return np.stack([self.dates.states(dates[order]) for dates in candidates], axis=1)

    def _linear(
        self, analysis: xr.Dataset, start: np.datetime64, leads: NDArray[np.timedelta64], members: int, seed: int
    ) -> NDArray[np.float32]:
        step = np.timedelta64(self.step_hours, "h")
        if np.any(leads <= np.timedelta64(0)) or np.any(leads % step != np.timedelta64(0)):
            raise UnscorableError(f"linear baseline: expected lead times in steps of {self.step_hours} h, found others")
        scale = self._by_point(self.deviations)
        state = (self._state(analysis, start) - self._mean(np.asarray([start]))[0]) / scale
        mean = self._mean(start + leads)
        fields = np.empty((members, len(leads), scale.size), np.float32)
        for index, lead_step in enumerate((leads // step).astype(int)):
            generators = [_generator(seed, start, member, lead_step) for member in range(members)]
            fields[:, index] = mean[index] + self.linear.members(state, generators, lead_step) * scale
        return fields

    def _mean(self, times: NDArray[np.datetime64]) -> NDArray[np.float32]:
        return flattened(evaluate_climatology(self.climatology, times), self.channels)

    def _state(self, analysis: xr.Dataset, time: np.datetime64) -> NDArray[np.float32]:
        absent = [name for name in self.channels if name not in analysis]
        if absent:
            raise InvalidDataError(f"analysis: expected channels {list(self.channels)}, found no {absent}")
        times = analysis["time"].values
        if time not in times:
            late = times.size == 0 or time > times.max()
            message = f"analysis at {iso(time)}: expected to start from, found none"
            raise MissingDataError(message) if late else InvalidDataError(message)
        state: NDArray[np.float32] = flattened(analysis[list(self.channels)].sel(time=[time]), self.channels)[0]
        if not np.isfinite(state).all():
            raise InvalidDataError(f"analysis at {iso(time)}: expected numbers, found NaN")
        return state

    def _by_point(self, values: dict[str, float]) -> NDArray[np.float64]:
        points = self.climatology.sizes["latitude"] * self.climatology.sizes["longitude"]
        return np.repeat([values[name] for name in self.channels], points)

    def _check_grid(self, analysis: xr.Dataset) -> None:
        for name in ("latitude", "longitude"):
            ours, theirs = self.climatology[name].values, analysis[name].values
            if ours.shape != theirs.shape or not np.allclose(ours, theirs, rtol=0, atol=COORDINATE_TOLERANCE):
                raise UnscorableError(f"{name}: expected the grid that the baselines were fitted on, found another")

    def _dataset(
        self, fields: NDArray[np.floating[Any]], start: np.datetime64, leads: NDArray[np.timedelta64]
    ) -> xr.Dataset:
        grid = {name: self.climatology[name].values for name in DIMS[2:]}
        shape = (*fields.shape[:2], len(self.channels), *(len(values) for values in grid.values()))
        by_channel = np.moveaxis(fields.astype(np.float32).reshape(shape), 2, 0)
        return xr.Dataset(
            {
                name: (DIMS, values, self.climatology[name].attrs)
                for name, values in zip(self.channels, by_channel, strict=True)
            },
            coords={"member": np.arange(fields.shape[0]), "lead_time": leads, **grid, "init_time": start},
        )

    def save(self, path: Path) -> Path:
        """Write to one NetCDF file, complete or not at all.

        Args:
            path: To be written, or replaced.

        Returns:
            `path`.
        """
        packed = _packed(self)
        encoding = {name: {"zlib": True, "complevel": 6} for name, field in packed.items() if field.dtype.kind != "U"}
        with atomic_path(path) as partial, disk_errors(path):
            packed.to_netcdf(partial, engine="netcdf4", encoding=encoding)
        return path


def load_baselines(path: Path) -> Baselines:
    """Read what `Baselines.save` wrote.

    Args:
        path: NetCDF file.

    Raises:
        InvalidDataError: The file is absent, or holds no baselines.
    """
    try:
        with xr.open_dataset(path, engine="netcdf4") as stored:
            return _unpacked(stored.load())
    except (OSError, KeyError, ValueError) as error:
        fault = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InvalidDataError(f"baselines {path}: expected fitted baselines in NetCDF, found {fault}") from None


def flattened(dataset: xr.Dataset, channels: tuple[str, ...]) -> NDArray[np.float32]:
    """(time, channel x latitude x longitude) of an analysis.

    Args:
        dataset: Dims (time, latitude, longitude).
        channels: In this order.
    """
    fields = [dataset[name].transpose("time", "latitude", "longitude").values for name in channels]
    return np.concatenate([field.reshape(len(field), -1) for field in fields], axis=1)


def _generator(seed: int, start: np.datetime64, *position: int) -> np.random.Generator:
    minutes = int(start.astype("datetime64[m]").astype(np.int64)) % 2**64
    return np.random.Generator(np.random.Philox(np.random.SeedSequence([seed % 2**64, minutes, *position])))


def fit_baselines(
    analysis: xr.Dataset,
    period: tuple[np.datetime64, np.datetime64],
    *,
    step_hours: int,
    every_hours: int | None = None,
    channels: tuple[str, ...] | None = None,
    eofs: int = 100,
    lead_steps: int = 10,
) -> Baselines:
    """Fit every baseline on the training period, and on nothing else.

    Only hours of the day that are reached from the first time of the period are fitted: by whole steps for the linear
    model, every so many hours for climatology.

    Args:
        analysis: Canonical layout; may reach outside the period.
        period: First and last day of the training period, both included.
        step_hours: Step of the linear model.
        every_hours: From one state of climatology to the next, a whole part of the step; the step itself when None.
        channels: To be forecast; all that vary in time when None.
        eofs: Empirical orthogonal functions of the linear model; fewer where the period is short.
        lead_steps: Steps that the linear model looks ahead; later, it is climatology with Gaussian noise.

    Raises:
        MissingDataError: The analysis holds no time of the period.
        InvalidDataError: A value is missing.
    """
    names = channels or tuple(str(name) for name, field in analysis.items() if "time" in field.dims)
    training = _training_states(analysis[list(names)], period, every_hours or step_hours)
    times = training["time"].values
    climatology = fit_climatology(training)
    states = flattened(training, names)
    if not np.isfinite(states).all():
        raise InvalidDataError(f"analysis: expected numbers throughout {period[0]} to {period[1]}, found NaN")
    points = states.shape[1] // len(names)
    weights = area_weights(training["latitude"]).broadcast_like(climatology[names[0]][0, 0]).values.ravel()
    anomalies = states - flattened(evaluate_climatology(climatology, times), names)
    variances = np.einsum("ts,ts->s", anomalies, anomalies, dtype=np.float64).reshape(len(names), points) / len(times)
    deviations = np.sqrt(variances @ weights / points)
    if not np.all(deviations > 0):
        raise InvalidDataError(f"analysis: expected variability, found none in {names[int(np.argmin(deviations))]}")
    scale = np.repeat(deviations, points)
    anomalies /= scale.astype(np.float32)
    steps, between = np.divmod(times - times[0], np.timedelta64(step_hours, "h"))
    whole = between == np.timedelta64(0)
    linear = fit_linear_model(anomalies[whole], steps[whole], np.tile(weights, len(names)), eofs, lead_steps=lead_steps)
    kept = thinned(times, 1 if states.size <= MOST_DATE_VALUES else 10)
    dates = keep_dates(times[kept], states[kept], scale)
    return Baselines(climatology, dict(zip(names, deviations.tolist(), strict=True)), linear, dates, step_hours)


def _training_states(analysis: xr.Dataset, period: tuple[np.datetime64, np.datetime64], step_hours: int) -> xr.Dataset:
    times = analysis["time"].values
    first, last = (day.astype("datetime64[D]") for day in period)
    inside = np.flatnonzero((times >= first) & (times < last + np.timedelta64(1, "D")))
    if not inside.size:
        raise MissingDataError(f"training period {first} to {last}: expected an analysis within it, found none")
    reached = (times[inside] - times[inside[0]]) % np.timedelta64(step_hours, "h") == np.timedelta64(0)
    return analysis.isel(time=inside[reached]).load()


def _packed(baselines: Baselines) -> xr.Dataset:
    climatology = baselines.climatology.rename({name: MEAN + name for name in baselines.channels})
    deviations = xr.Dataset(
        {"deviation": ("channel", list(baselines.deviations.values()))}, coords={"channel": list(baselines.channels)}
    )
    attributes = {"title": "Plumecast baselines", "format": FORMAT, "step_hours": baselines.step_hours}
    parts = [climatology, deviations, baselines.linear.to_dataset(), baselines.dates.to_dataset()]
    return xr.merge(parts, combine_attrs="override", join="outer", compat="no_conflicts").assign_attrs(attributes)


def _unpacked(stored: xr.Dataset) -> Baselines:
    if stored.attrs.get("format") != FORMAT:
        raise ValueError(f"format {stored.attrs.get('format', 'unknown')}")
    names = tuple(str(name) for name in stored["channel"].values)
    climatology = stored[[MEAN + name for name in names]].rename({MEAN + name: name for name in names})
    return Baselines(
        climatology=climatology,
        deviations=dict(zip(names, stored["deviation"].values.tolist(), strict=True)),
        linear=LinearModel.from_dataset(stored),
        dates=PastDates.from_dataset(stored),
        step_hours=int(stored.attrs["step_hours"]),
    )
