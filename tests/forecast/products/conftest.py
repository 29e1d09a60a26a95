"""Smooth ensembles that look like weather, made in milliseconds."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import numpy.typing as npt
import pytest
import xarray as xr
from compliance_checker.cf import cf_1_11
from compliance_checker.suite import CheckSuite

from forecast.products.ensemble.explanation import state_shares
from forecast.products.files.cf import ForecastAxes
from forecast.products.files.netcdf import ForecastWriter

ATTRIBUTES = {
    "title": "SIMULATED weather: synthetic test ensemble",
    "institution": "Plumecast",
    "source": "smooth random waves",
    "history": "2026-11-22T00:00:00Z made by the tests",
    "references": "none",
    "plumecast_model_id": "ab" * 32,
    "plumecast_system_hash": "cd" * 32,
}
GLOBAL = (np.arange(16) * 11.25 - 84.375, np.arange(32) * 11.25)
POLES = (np.linspace(-90, 90, 17), np.arange(32) * 11.25)
REGIONAL = (np.arange(30, 70.1, 2.5), np.arange(-70, 10.1, 2.5))
INIT_TIME = np.datetime64("2008-01-15T00:00", "ns")
# Mean at the equator, mean at the pole, standard deviation of the weather.
CLIMATE = {
    "z500": (57800.0, 50500.0, 900.0),
    "t850": (290.0, 255.0, 5.0),
    "u850": (0.0, 2.0, 7.0),
    "v850": (0.0, 0.0, 6.0),
    "u250": (10.0, 10.0, 14.0),
    "v250": (0.0, 0.0, 12.0),
    "q850": (0.011, 0.001, 0.0015),
    "msl": (101300.0, 101000.0, 900.0),
    "t2m": (299.0, 255.0, 5.0),
    "tp24": (5.0, 1.0, 3.0),
}


def lead_times(count: int) -> npt.NDArray[np.timedelta64]:
    return np.arange(1, count + 1) * np.timedelta64(24, "h").astype("timedelta64[ns]")


def axes(grid: tuple[npt.ArrayLike, npt.ArrayLike], leads: int) -> ForecastAxes:
    return ForecastAxes(np.asarray(grid[0]), np.asarray(grid[1]), INIT_TIME, lead_times(leads))


def waves(rng: np.random.Generator, latitude: npt.ArrayLike, longitude: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """A smooth field of unit variance in the mid-latitudes."""
    phi, lam = np.meshgrid(np.deg2rad(latitude), np.deg2rad(longitude), indexing="ij")
    field = np.zeros(phi.shape)
    for wavenumber in range(1, 9):
        for _ in range(2):
            phase, tilt = rng.uniform(0, 2 * np.pi, 2)
            field += rng.normal() / (1 + wavenumber / 5) * np.cos(wavenumber * lam + 3 * phi * np.sin(tilt) + phase)
    return field * np.cos(phi) * np.abs(np.sin(2 * phi)) ** 0.3 / 2.2


def fields(
    channels: tuple[str, ...], grid: tuple[npt.ArrayLike, npt.ArrayLike], members: tuple[int, ...], lead_index: int
) -> dict[str, npt.NDArray[np.float32]]:
    """Members of all channels at one lead time, whose spread grows with it; a member does not depend on the others."""
    latitude, longitude = grid
    sine = np.sin(np.deg2rad(np.asarray(latitude)))[:, None] ** 2
    found = {}
    for index, name in enumerate(channels):
        equator, pole, deviation = CLIMATE[name]
        common = waves(np.random.default_rng([index, 7]), latitude, np.asarray(longitude) - 12.0 * (lead_index + 1))
        growth = min(1.0, 0.16 * (lead_index + 1))
        planes = []
        for member in members:
            own = waves(np.random.default_rng([index, member]), latitude, np.asarray(longitude) - 9.0 * lead_index)
            weather = np.sqrt(1 - growth**2) * common + growth * own
            plane = equator + (pole - equator) * sine + deviation * weather
            planes.append(np.maximum(plane, 0.0) if name in ("q850", "tp24") else plane)
        found[name] = np.stack(planes).astype(np.float32)
    return found


def write_forecast(
    path: Path,
    *,
    grid: tuple[npt.ArrayLike, npt.ArrayLike] = GLOBAL,
    channels: tuple[str, ...] = ("z500", "t2m", "msl"),
    members: int = 4,
    leads: int = 3,
    block: int = 2,
    attributes: dict[str, str] = ATTRIBUTES,
) -> Path:
    with ForecastWriter(
        path, channels=channels, axes=axes(grid, leads), members=range(members), attributes=attributes, step_hours=24,
    ) as writer:  # fmt: skip
        for first in range(0, members, block):
            batch = tuple(range(first, min(first + block, members)))
            for lead_index in range(leads):
                writer.write(batch, lead_index, fields(channels, grid, batch, lead_index))
    return path


@pytest.fixture(scope="session")
def synthetic() -> SimpleNamespace:
    """The functions of this module, which tests cannot import by name."""
    return SimpleNamespace(**globals())


@pytest.fixture(scope="session")
def explanation() -> xr.Dataset:
    """An explanation of msl at 45N 0E on day 2, which hangs on msl at 39.4N 22.5W and on t2m at the place itself."""
    latitude, longitude, names = *GLOBAL, ["msl", "t2m"]
    pascals = {"long_name": "a change", "units": "Pa"}
    on_map, steps = ("input_time", "latitude", "longitude"), ("lead_time", "channel", "latitude", "longitude")
    fields: dict[str, tuple] = {}
    for size, statistic in ((1.0, "mean"), (-0.1, "spread")):
        for name, units, row, column, value in (("msl", "Pa (Pa)-1", 11, 30, 3.0), ("t2m", "Pa (K)-1", 12, 0, 100.0)):
            values = np.zeros((2, 16, 32))
            values[1, row, column] = size * value
            fields[f"{statistic}_to_{name}"] = (on_map, values, {"long_name": "a change", "units": units})
        fields[f"{statistic}_to_anchor"] = (steps, np.ones((2, 2, 16, 32)), pascals)
        fields[f"{statistic}_to_noise"] = (("lead_time", "draw", *steps[1:]), np.ones((2, 1, 2, 16, 32)), pascals)
        for source, by in (("predicted", 1.0), ("measured", 1.1)):
            changes = size * by * np.array([1.0, -2.0, 50.0])
            fields[f"{source}_{statistic}_change"] = (("perturbation",), changes, pascals)
    fields["noise_variance"] = (steps, np.ones((2, 2, 16, 32)), {"long_name": "variance", "units": "(Pa)2"})
    shares = {"linear_share": [0.2, 0.5], "upper_bound": [0.4, 0.9], "total_share": [0.3, 0.7]}
    for name, values in {**shares, "total_share_error": [0.05, 0.1]}.items():
        fields[name] = (("lead_time",), np.array(values), {"long_name": "a share", "units": "1"})
    weights = np.zeros((16, 32))
    weights[12, 0] = 1.0
    fields["outcome"] = (("member",), np.array([101200.0, 101300.0, 101400.0]), pascals)
    fields["outcome_weight"] = (("latitude", "longitude"), weights, {"long_name": "weight", "units": "1"})
    fields["standard_deviation"] = (("channel",), np.array([900.0, 5.0]), {"long_name": "deviation", "units": "1"})
    fields["perturbation_size"] = (("perturbation",), np.full(3, 0.01), {"long_name": "size", "units": "1"})
    made = xr.Dataset(
        fields,
        coords={
            "latitude": latitude, "longitude": longitude, "channel": names, "member": [0, 1, 2], "init_time": INIT_TIME,
            "lead_time": lead_times(2), "input_time": [INIT_TIME - np.timedelta64(1, "D"), INIT_TIME],
            "perturbation": ["random", "random", "along the map of the mean"],
        },
        attrs={"outcome_channel": "msl", "check_correlation_mean": 0.999, "check_correlation_spread": 0.998},
    )  # fmt: skip
    return made.merge(state_shares(made), combine_attrs="override")


@pytest.fixture(scope="session")
def complaints():
    """Complaints of the strict CF checker about a file, and the number of checks made."""
    suite = CheckSuite()
    suite.checkers = {"cf:1.11": cf_1_11.CF1_11Check}

    def check(path):
        dataset = suite.load_dataset(str(path))
        try:
            results = suite.run_all(dataset, ["cf:1.11"])["cf:1.11"][0]
        finally:
            dataset.close()
        failed = [message for result in results for message in _messages(result)]
        return failed, len(results)

    def _messages(result):
        value = result.value
        lost = value[0] < value[1] if isinstance(value, tuple) else not value
        if lost and not result.children:
            return result.msgs or [str(result.name)]
        return [message for child in result.children or [] for message in _messages(child)]

    return check
