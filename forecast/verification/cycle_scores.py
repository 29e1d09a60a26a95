"""Scoring of one cycle: the analysis that verifies it, the regions of its system, and its sums."""

import logging
from collections.abc import Sequence
from functools import cache

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from data_catalog.archive.analysis import open_analysis
from data_catalog.errors import MissingDataError
from data_catalog.layout.times import iso
from data_catalog.sources.locations import Location
from forecast.system.system import System
from forecast.system.verification import ScoreMask
from forecast.verification.evaluation import cycle_sums
from forecast.verification.regions import BUILT_IN, REGIONS, Box, held_regions, region_weights

logger = logging.getLogger("plumecast")


def score_weights(system: System | None, grid: xr.Dataset, analysis: Location) -> xr.DataArray:
    """Area weights of every region that a system asks for.

    Args:
        system: System whose regions are scored; None takes the built-in ones that the grid holds.
        grid: Dataset with the latitudes and longitudes of the analysis, degrees.
        analysis: Archive, file or URL of the analysis, from which the channels of masks are read.

    Returns:
        Weights over `region`, latitude and longitude; the whole grid first.

    Raises:
        UnscorableError: A region that was asked for is not all on the grid, or holds no point of it.
        InvalidDataError: The analysis lacks the channel of a mask.
    """
    latitude, longitude = grid["latitude"], grid["longitude"]
    if system is None or system.verification.regions is None:
        built_in = held_regions(latitude, longitude)
        absent = [name for name in REGIONS if name not in built_in]
        if absent:
            _say_once(f"Regions not scored, as the grid does not hold all of each: {', '.join(absent)}")
    else:
        built_in = {name: BUILT_IN[name] for name in system.verification.regions}
    own = {} if system is None else _own_regions(system, analysis)
    return region_weights(latitude, longitude, {**built_in, **own})


def score_forecast(forecast: xr.Dataset, verifying: xr.Dataset, weights: xr.DataArray) -> xr.DataArray:
    """Sums of a forecast over the channels of its analysis, from which its scores are computed.

    Args:
        forecast: One variable a channel: member, lead_time, latitude and longitude.
        verifying: Analysis from `verifying_analysis`.
        weights: Weights of the regions from `score_weights`, on the grid of the analysis.

    Returns:
        Sums from `cycle_sums`: over channel, lead_time, region and statistic.

    Raises:
        UnscorableError: The two do not fit together, or a value is missing.
    """
    fields = forecast[list(verifying.data_vars)]
    return cycle_sums(fields, verifying, weights)


def verifying_analysis(
    analysis: xr.Dataset, channels: Sequence[str], init_time: np.datetime64, lead_times: NDArray[np.timedelta64]
) -> xr.Dataset:
    """Load the analyses that verify a forecast: its channels on lead_time, latitude and longitude.

    Args:
        analysis: Analysis on time, latitude and longitude.
        channels: Names of the channels.
        init_time: Start of the forecast.
        lead_times: Lead times of the forecast.

    Raises:
        MissingDataError: The analysis lacks a valid time, perhaps as it does not reach it yet.
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
    """Return the valid times of a forecast that the analysis lacks.

    Args:
        analysis: Analysis with `time`.
        init_time: Start of the forecast.
        lead_times: Lead times of the forecast.
    """
    valid: NDArray[np.datetime64] = init_time + lead_times
    return valid[~np.isin(valid, analysis["time"].values)]


def _own_regions(system: System, analysis: Location) -> dict[str, Box | xr.DataArray]:
    """Boxes and masks that a system defines itself."""
    boxes = {box.name: Box(box.south, box.north, box.west, box.east) for box in system.verification.boxes}
    masks = system.verification.masks
    if not masks:
        return dict(boxes)
    names = list(dict.fromkeys(mask.channel for mask in masks))
    static = open_analysis(analysis, system.state.predictands[:1], names)
    return {**boxes, **{mask.name: _mask(mask, static[mask.channel], {**BUILT_IN, **boxes}) for mask in masks}}


def _mask(mask: ScoreMask, field: xr.DataArray, boxes: dict[str, Box]) -> xr.DataArray:
    """Points where a static field is beyond the thresholds of a mask, and in its region if it names one."""
    inside = xr.ones_like(field, dtype=bool)
    if mask.above is not None:
        inside &= field > mask.above
    if mask.below is not None:
        inside &= field < mask.below
    if mask.within is not None:
        inside &= boxes[mask.within].mask(field["latitude"], field["longitude"])
    return inside


@cache
def _say_once(line: str) -> None:
    logger.info("%s", line)
