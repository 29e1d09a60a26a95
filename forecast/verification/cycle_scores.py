"""One cycle scored: who forecast it, what it is judged by and where, and the evaluation over many."""

import logging
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from data_catalog.archive.analysis import open_analysis
from data_catalog.errors import MissingDataError
from data_catalog.layout.times import iso
from forecast.system.system import System
from forecast.system.verification import ScoreMask
from forecast.verification.evaluation import cycle_sums
from forecast.verification.regions import BUILT_IN, REGIONS, Box, held_regions, region_weights

logger = logging.getLogger("plumecast")


def score_weights(system: System | None, grid: xr.Dataset, analysis: Path) -> xr.DataArray:
    """Area weights of every region that a system asks for.

    Args:
        system: Whose regions; None for the usual ones.
        grid: Has the latitudes and longitudes of the analysis.
        analysis: Where the analysis is, for the channels of masks.

    Returns:
        Along `region`, latitude and longitude; the whole grid first.

    Raises:
        UnscorableError: A region that was asked for is not all on the grid, or holds no point of it.
        InvalidDataError: The analysis lacks the channel of a mask.
    """
    latitude, longitude = grid["latitude"], grid["longitude"]
    regions: dict[str, Box | xr.DataArray] = {}
    if system is None or system.verification.regions is None:
        regions |= held_regions(latitude, longitude)
        absent = [name for name in REGIONS if name not in regions]
        if absent:
            _say_once(f"Regions not scored, as the grid does not hold all of each: {', '.join(absent)}")
    else:
        regions |= {name: BUILT_IN[name] for name in system.verification.regions}
    if system is not None:
        boxes = {box.name: Box(box.south, box.north, box.west, box.east) for box in system.verification.boxes}
        masks = system.verification.masks
        regions |= boxes
        if masks:
            names = list(dict.fromkeys(mask.channel for mask in masks))
            static = open_analysis(analysis, system.state.predictands[:1], names)
            places = {**BUILT_IN, **boxes}
            regions |= {mask.name: _mask(mask, static[mask.channel], places) for mask in masks}
    return region_weights(latitude, longitude, regions)


def score_forecast(forecast: xr.Dataset, verifying: xr.Dataset, weights: xr.DataArray) -> xr.DataArray:
    """Sums of a forecast over the channels of its analysis.

    Args:
        forecast: Dims member, lead_time, latitude, longitude.
        verifying: From `verifying_analysis`.
        weights: From `score_weights`, on the grid of the analysis.
    """
    fields = forecast[list(verifying.data_vars)]
    axes = {name: fields[name].values for name in ("latitude", "longitude")}
    if all(weights.sizes[name] == values.size for name, values in axes.items()):
        weights = weights.assign_coords(axes)  # the grids agree but for rounding, or scoring refuses them
    return cycle_sums(fields, verifying, weights)


def verifying_analysis(
    analysis: xr.Dataset, channels: Sequence[str], init_time: np.datetime64, lead_times: NDArray[np.timedelta64]
) -> xr.Dataset:
    """The analyses that a forecast is judged by, on its lead times.

    Raises:
        MissingDataError: One of them does not exist (yet).
    """
    valid = init_time + lead_times
    absent = absent_times(analysis, init_time, lead_times)
    if absent.size:
        raise MissingDataError(
            f"verification of {iso(init_time)}: expected an analysis at {iso(absent[0])}, "
            f"found none ({absent.size} of {valid.size} valid times lack one)"
        )
    chosen = analysis[list(channels)].sel(time=valid).load()
    return chosen.rename(time="lead_time").assign_coords(lead_time=lead_times)


def absent_times(
    analysis: xr.Dataset, init_time: np.datetime64, lead_times: NDArray[np.timedelta64]
) -> NDArray[np.datetime64]:
    """Valid times of a forecast that the analysis lacks."""
    valid: NDArray[np.datetime64] = init_time + lead_times
    return valid[~np.isin(valid, analysis["time"].values)]


def baseline_seed(init_time: np.datetime64) -> int:
    """Seed of the baselines of a cycle: the same whoever scores it."""
    return int(init_time.astype("datetime64[h]").astype(np.int64))


def _mask(mask: ScoreMask, field: xr.DataArray, places: dict[str, Box]) -> xr.DataArray:
    """Points where a static field is beyond the thresholds, within a place if one is named."""
    inside = xr.ones_like(field, dtype=bool)
    if mask.above is not None:
        inside &= field > mask.above
    if mask.below is not None:
        inside &= field < mask.below
    if mask.within is not None:
        inside &= places[mask.within].mask(field["latitude"], field["longitude"])
    return inside


@cache
def _say_once(line: str) -> None:
    logger.info("%s", line)
