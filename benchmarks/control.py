"""Analyses of simulated weather from few observed places, at points where nothing is observed.

`python benchmarks/control.py --data DIR --places 40 --days 30`: DIR has `speedy_YYYY.nc`, years 2001 to 2008. An
ensemble filter is cycled over days of 2008, beside climatology and optimal interpolation from it with the covariance of
the same season of 2001-2006. Nothing is fitted on 2008.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import xarray as xr

from forecast.checkpoints.files import load_checkpoint
from forecast.control.assimilation import Analysed, Filter, assimilate, update
from forecast.control.conditions import Place
from forecast.control.ensemble_update import EARTH_RADIUS_KM, grid_points, unit_vectors
from forecast.control.operators import Observer
from forecast.control.point_observations import PointObservations
from pipelines.workspace.systems import find_system

DAY = np.timedelta64(1, "D")
ERROR = 0.2
"""Standard error of an observation, in standard deviations of its channel."""
WITHHELD_KM = 300.0
"""Distance from every place beyond which a point is withheld."""


@dataclass(frozen=True)
class World:
    """The simulated weather, its model, and the places that are observed."""

    data: Path
    places: int
    seed: int = 2

    def __post_init__(self) -> None:
        system = find_system("speedy-5p6")
        checkpoint = load_checkpoint(Path("forecast/pretrained/speedy-5p6"))
        generator, edge = np.random.default_rng(self.seed), np.sin(np.deg2rad(85))
        latitude = np.rad2deg(np.arcsin(generator.uniform(-edge, edge, self.places)))
        for name, value in {
            "system": system,
            "checkpoint": checkpoint,
            "latitude": latitude,
            "longitude": generator.uniform(0, 360, self.places),
            "channels": [name for name in system.state.predictands if name != "tp24"],
        }.items():
            object.__setattr__(self, name, value)

    def year(self, year: int) -> xr.Dataset:
        weather = xr.open_dataset(self.data / f"speedy_{year}.nc")
        return weather.sel(time=weather.time.dt.hour == 0)[list(self.system.state.predictands)]

    def states(self, first: np.datetime64, last: np.datetime64) -> torch.Tensor:
        days = self.year(int(str(first)[:4])).sel(time=slice(first, last)).load()
        return self.checkpoint.standardiser.to_tensor(days)

    def climatology(self, day: np.datetime64, members: int, seed: int) -> torch.Tensor:
        """Pairs of days within ten days of the season, of 2001-2006."""
        generator, pairs = np.random.default_rng(seed), []
        of_year = int((day - day.astype("datetime64[Y]")) / DAY)
        for number in range(members):
            at = int(np.clip(of_year + generator.integers(-10, 11), 1, 363))
            pair = self.year(2001 + number % 6).isel(time=slice(at - 1, at + 1)).load()
            pairs.append(self.checkpoint.standardiser.to_tensor(pair))
        return torch.stack(pairs)

    def observations(self, times: np.ndarray) -> PointObservations:
        generator = np.random.default_rng(self.seed)
        places = [Place(south, south, west, west) for south, west in zip(self.latitude, self.longitude, strict=True)]
        stds = dict(zip(self.system.state.predictands, self.checkpoint.standardiser.std, strict=True))
        parts = []
        for time in times:
            state = self.states(time, time)
            for name in self.channels:
                observer = Observer(
                    self.checkpoint.standardiser, self.checkpoint.grid, time, [name] * self.places, places
                )
                error = np.full(self.places, ERROR * float(stds[name]))
                value = observer(state)[0].numpy() + error * generator.standard_normal(self.places)
                channel, at = np.full(self.places, name), np.full(self.places, time, dtype="datetime64[ns]")
                parts.append((at, self.latitude, self.longitude, channel, value, error))
        return PointObservations(*(np.concatenate(column) for column in zip(*parts, strict=True)))

    @property
    def weights(self) -> np.ndarray:
        """Area of the withheld points."""
        grid = self.checkpoint.grid
        cosine = grid_points(grid) @ unit_vectors(self.latitude, self.longitude).T
        apart = EARTH_RADIUS_KM * np.arccos(np.clip(cosine, -1, 1)).min(1)
        return grid.cells.areas[:, None] * (apart > WITHHELD_KM).reshape(grid.shape)


def scores(members: torch.Tensor, true: torch.Tensor, weights: np.ndarray) -> np.ndarray:
    """Squared error of the mean, variance and fair CRPS of all channels but precipitation, (score, channel)."""
    forecast, analysis = np.sort(members.numpy()[:, :9], axis=0), true.numpy()[:9]
    count = len(forecast)
    rank = np.arange(1, count + 1)[:, None, None, None]
    crps = np.abs(forecast - analysis).mean(0)
    crps -= ((2 * rank - count - 1) * forecast).sum(0) / (count * (count - 1))
    parts = [(forecast.mean(0) - analysis) ** 2, forecast.var(0, ddof=1) * (count + 1) / count, crps]
    return np.stack([(part * weights).sum((-1, -2)) / weights.sum() for part in parts])


def analyses(world: World, options: argparse.Namespace) -> Iterator[tuple[str, np.ndarray]]:
    """Scores of the ensemble filter, of interpolation and of climatology on each day."""
    start = np.datetime64(options.start, "ns")
    times = start + DAY * np.arange(1, options.days + 1)
    observations, weights = world.observations(times), world.weights
    begin = world.climatology(start, options.members, world.seed)
    settings = Filter(options.half_width_km, options.relaxation)
    checkpoint, system = world.checkpoint, world.system
    first = Analysed(start, begin, begin, 0)
    for made in assimilate(checkpoint, system, first, observations, options.days, settings):
        yield "ensemble filter", scores(made.analysis, world.states(made.time, made.time)[0], weights)
    season = world.climatology(start + DAY * (options.days // 2), 60, 99)
    interpolation = Filter(options.interpolation_half_width_km, 0.0)
    for time in times:
        true = world.states(time, time)[0]
        made = update(checkpoint, season, observations.at(time), time, interpolation)
        yield "interpolation", scores(made.analysis, true, weights)
        yield "climatology", scores(season[:, -1], true, weights)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--places", type=int, default=40)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--members", type=int, default=30)
    parser.add_argument("--start", default="2008-07-01")
    parser.add_argument("--half-width-km", type=float, default=1800.0)
    parser.add_argument("--interpolation-half-width-km", type=float, default=4000.0)
    parser.add_argument("--relaxation", type=float, default=0.5)
    parser.add_argument("--skip", type=int, default=7, help="Days before the first that counts.")
    options = parser.parse_args()
    torch.set_num_threads(1)
    found: dict[str, list[np.ndarray]] = {}
    for name, day in analyses(World(options.data, options.places), options):
        found.setdefault(name, []).append(day)
    for name, days in found.items():
        error, variance, crps = np.mean(days[options.skip :], axis=0)
        ratio = np.sqrt(variance / error).mean()
        print(f"{name}: RMSE {np.sqrt(error).mean():.3f} CRPS {crps.mean():.3f} spread/skill {ratio:.2f}")


if __name__ == "__main__":
    main()
