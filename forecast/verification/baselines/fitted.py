"""Fitted baselines, which any system must beat: climatology, persistence, a linear model and analogues.

A member is a function of kind, init time, member number and seed: neither the number of members nor that of lead times
changes it.
"""

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from data_catalog.errors import InvalidDataError, MissingDataError
from data_catalog.layout.cells import same_place_tolerance
from data_catalog.layout.times import iso, seconds_of_day
from data_catalog.statistics.analogues import AnalogueIndex
from data_catalog.statistics.climatology import evaluate_climatology
from forecast.verification.baselines.linear_model import LinearModel
from forecast.verification.baselines.past_dates import PastDates
from forecast.verification.checks import UnscorableError

Kind = Literal["climatology", "persistence", "linear", "analogue"]
KINDS: tuple[Kind, ...] = get_args(Kind)
FEWEST_ANALOGUES = 2
_ANALOGUE = (1,)
"""Ends the seed of the noise of analogues, so that it is not that of the linear model."""
DIMS = ("member", "lead_time", "latitude", "longitude")


@dataclass(frozen=True)
class Baselines:
    """Baselines of one dataset, fitted on the training period only.

    Attributes:
        climatology: Mean seasonal cycle from `fit_climatology`; its variables are the channels.
        deviations: Standard deviation of the anomalies of each channel, in its unit.
        linear: Linear model of the standardised anomalies, channel after channel.
        dates: Past dates whose states are the members of climatology.
        step_hours: Step of the linear model and of what followed analogues.
        analogues: Amplitudes of the linear model's EOFs at past times; None in files of earlier releases.
    """

    climatology: xr.Dataset
    deviations: dict[str, float]
    linear: LinearModel
    dates: PastDates
    step_hours: int
    analogues: AnalogueIndex | None = None

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """Names of the baselines."""
        return KINDS if self.analogues is not None else KINDS[:-1]

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
        """Return the forecast of one cycle.

        Args:
            kind: `climatology`: the members are states of past dates of the same hour and season, each at most once, so
                that there are fewer than asked for where fewer dates are kept. `persistence`: one member, the analysis
                at `init_time`. `linear`: Gaussian members about a regression on that analysis, without physical bounds.
                `analogue`: what followed the past states most like that analysis, in leading EOFs with noise in place
                of the rest, the most alike first; fewer members where fewer may be taken.
            analysis: Analysis with the channels at `init_time`; climatology needs its grid only.
            init_time: Start of the forecast.
            lead_times: Lead times, positive; for `linear`, whole steps of the model; for `analogue`, such steps that
                the model was fitted to.
            members: Number of members wanted.
            seed: Seed of the noise, or of the choice of dates.

        Returns:
            Dims (member, lead_time, latitude, longitude), float32; scalar coordinate `init_time`.

        Raises:
            UnscorableError: The kind is unknown, a lead time is no whole step, or the grid is another.
            MissingDataError: The analysis does not reach `init_time` yet.
            InvalidDataError: The analysis lacks `init_time` or a channel, or holds missing values.
        """
        if kind not in self.kinds:
            raise UnscorableError(f"baseline: expected one of {list(self.kinds)}, found '{kind}'")
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
        elif kind == "linear":
            fields = self._linear(analysis, start, leads, members, seed)
        else:
            fields = self._analogue(analysis, start, leads, members, seed)
        return self._dataset(fields, start, leads)

    def leads_of(
        self, kind: str, init_time: np.datetime64, lead_times: NDArray[np.timedelta64]
    ) -> NDArray[np.timedelta64]:
        """Return those of some lead times that a baseline can forecast from a start; none if there is no such baseline.

        Args:
            kind: `persistence` can forecast all of them; `climatology` those at hours of the day that were fitted; of
                these, `linear` the whole steps, and none from an hour of the day that was not fitted; of these,
                `analogue` those that the linear model was fitted to, and none without two analogues.
            init_time: Start of the forecast.
            lead_times: Lead times, positive.
        """
        if kind not in self.kinds:
            return lead_times[:0]
        if kind == "persistence":
            return lead_times
        fitted = seconds_of_day(self.dates.times)
        known = np.isin(seconds_of_day(init_time + lead_times), fitted)
        if kind in ("linear", "analogue"):
            known &= lead_times % np.timedelta64(self.step_hours, "h") == np.timedelta64(0)
            known &= np.isin(seconds_of_day(np.asarray([init_time])), fitted)
        if kind == "analogue" and self.analogues is not None:
            known &= lead_times <= self._followed[-1]
            known &= len(self.analogues.candidates(init_time, self._followed)) >= FEWEST_ANALOGUES
        return lead_times[known]

    def analogue_times(self, analysis: xr.Dataset, init_time: np.datetime64, count: int) -> NDArray[np.datetime64]:
        """Return the times of the past states most like the analysis at a start, of other years, the most alike first.

        Args:
            analysis: Analysis with the channels at `init_time`.
            init_time: The start.
            count: How many are wanted; fewer are returned where there are not as many, none where no index was fitted.

        Raises:
            InvalidDataError: The analysis lacks `init_time` or a channel, or holds missing values.
        """
        if self.analogues is None:
            return np.empty(0, "datetime64[ns]")
        start = init_time.astype("datetime64[ns]")
        state = self.linear.amplitudes(self._anomaly(analysis, start))
        times: NDArray[np.datetime64] = self.analogues.times[
            self.analogues.nearest(state, start, count, self._followed)
        ]
        return times

    def _climatology(
        self, start: np.datetime64, leads: NDArray[np.timedelta64], members: int, seed: int
    ) -> NDArray[np.float64]:
        candidates = [self.dates.candidates(start + lead).ravel() for lead in leads]
        order = _generator(seed, start).permutation(min(map(len, candidates)))[:members]
        return np.stack([self.dates.states(dates[order]) for dates in candidates], axis=1)

    def _linear(
        self, analysis: xr.Dataset, start: np.datetime64, leads: NDArray[np.timedelta64], members: int, seed: int
    ) -> NDArray[np.float32]:
        steps, scale = self._steps("linear", leads), self._by_point(self.deviations)
        state = self._anomaly(analysis, start)
        mean = self._mean(start + leads)
        fields = np.empty((members, len(leads), scale.size), np.float32)
        for index, lead_step in enumerate(steps):
            generators = [_generator(seed, start, member, lead_step) for member in range(members)]
            fields[:, index] = mean[index] + self.linear.members(state, generators, lead_step) * scale
        return fields

    def _analogue(
        self, analysis: xr.Dataset, start: np.datetime64, leads: NDArray[np.timedelta64], members: int, seed: int
    ) -> NDArray[np.float32]:
        assert self.analogues is not None
        steps, scale = self._steps("analogue", leads), self._by_point(self.deviations)
        if leads.max() > self._followed[-1]:
            raise UnscorableError(
                f"analogue baseline: expected at most {len(self._followed)} steps, found {max(steps)}"
            )
        state = self.linear.amplitudes(self._anomaly(analysis, start))
        found = self.analogues.nearest(state, start, members, self._followed)
        if found.size < FEWEST_ANALOGUES:
            found_words = f"analogue baseline at {iso(start)}: expected past states of its season and other years"
            raise UnscorableError(f"{found_words}, found {found.size}")
        mean = self._mean(start + leads)
        fields = np.empty((len(found), len(leads), scale.size), np.float32)
        for index, lead_step in enumerate(steps):
            generators = [_generator(seed, start, member, lead_step, *_ANALOGUE) for member in range(len(found))]
            sequels = self.analogues.sequels(found, leads[index])
            fields[:, index] = mean[index] + self.linear.fields(sequels, generators) * scale
        return fields

    @property
    def _followed(self) -> NDArray[np.timedelta64]:
        """Leads to which each analogue is followed, however many are asked for, so that these change no member."""
        step = np.timedelta64(self.step_hours, "h").astype("timedelta64[ns]")
        followed: NDArray[np.timedelta64] = np.arange(1, len(self.linear.propagate) + 1) * step
        return followed

    def _steps(self, kind: Kind, leads: NDArray[np.timedelta64]) -> list[int]:
        step = np.timedelta64(self.step_hours, "h")
        if np.any(leads <= np.timedelta64(0)) or np.any(leads % step != np.timedelta64(0)):
            raise UnscorableError(f"{kind} baseline: expected lead times in steps of {self.step_hours} h, found others")
        return [int(number) for number in leads // step]

    def _anomaly(self, analysis: xr.Dataset, start: np.datetime64) -> NDArray[np.float64]:
        """Standardised anomaly of the analysis: (space,)."""
        anomaly: NDArray[np.float64] = self._state(analysis, start) - self._mean(np.asarray([start]))[0]
        return anomaly / self._by_point(self.deviations)

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
            if ours.shape != theirs.shape or not np.allclose(ours, theirs, rtol=0, atol=same_place_tolerance(ours)):
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


def baseline_seed(init_time: np.datetime64) -> int:
    """Seed of the baselines of a cycle, the same whoever scores it: whole hours since 1970.

    Args:
        init_time: Start of the forecast.
    """
    return int(init_time.astype("datetime64[h]").astype(np.int64))


def flattened(dataset: xr.Dataset, channels: tuple[str, ...]) -> NDArray[np.float32]:
    """Put the fields of all channels side by side.

    Args:
        dataset: Fields on time, latitude and longitude.
        channels: Names of the channels, in the order wanted.

    Returns:
        (time, channel x latitude x longitude).
    """
    fields = [dataset[name].transpose("time", "latitude", "longitude").values for name in channels]
    return np.concatenate([field.reshape(len(field), -1) for field in fields], axis=1)


def _generator(seed: int, start: np.datetime64, *position: int) -> np.random.Generator:
    minutes = int(start.astype("datetime64[m]").astype(np.int64)) % 2**64
    return np.random.Generator(np.random.Philox(np.random.SeedSequence([seed % 2**64, minutes, *position])))
