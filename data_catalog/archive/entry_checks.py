"""Checks that an analysis is of the dataset that it is ingested as: its grid, its step, its period."""

from collections.abc import Callable, Mapping

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from data_catalog.catalog import DatasetEntry
from data_catalog.errors import InvalidDataError
from data_catalog.layout.checks import check_same_grid, check_step, usual_step
from data_catalog.layout.times import at_time, iso
from data_catalog.statistics.regridding import METHOD_ATTRIBUTE, SOURCE_ATTRIBUTE

_HOUR = np.timedelta64(1, "h")
_DAY = np.timedelta64(1, "D")


Archived = Callable[[], NDArray[np.datetime64]]


def check_belongs(entry: DatasetEntry, analysis: xr.Dataset, archived: Archived, *, where: str) -> None:
    """Check that an analysis has the grid, step and period of a dataset.

    Args:
        entry: The dataset.
        analysis: In canonical layout, with increasing times.
        archived: Reads the times that the archive holds already, in any order; a file may bring those between them.
        where: Dataset; errors start with it.

    Raises:
        InvalidDataError: It is of another region or resolution, has other steps, or times outside of the period.
    """
    times = analysis["time"].values
    check_step(times, entry.step_hours, where=where)
    _check_not_coarser(times, archived, entry.step_hours, where)
    _check_period(entry, times, where)
    _check_members(entry, analysis, where)
    if entry.grid is not None:
        _check_grid(entry, analysis, where)


def _check_grid(entry: DatasetEntry, analysis: xr.Dataset, where: str) -> None:
    assert entry.grid is not None
    try:
        check_same_grid(analysis, *entry.grid.coordinates(), where=f"{where}, grid of the dataset")
    except InvalidDataError as error:
        if entry.is_shipped or entry.regrid is not None:
            raise
        way_out = 'regrid = "conservative" (or "bilinear", "nearest") in the dataset file brings it there'
        raise InvalidDataError(f"{error}; {way_out}") from None


def check_same_regridding(archived: Mapping[str, str], analysis: xr.Dataset, *, where: str) -> None:
    """Check that an analysis came to the grid of its archive as what is archived did.

    Args:
        archived: Attributes of the archive.
        analysis: In canonical layout.
        where: Archive; errors start with it.

    Raises:
        InvalidDataError: It came by another method, or from another grid.
    """
    for key in (METHOD_ATTRIBUTE, SOURCE_ATTRIBUTE):
        expected, found = archived.get(key), analysis.attrs.get(key)
        if expected != found:
            raise InvalidDataError(
                f"{where}: {key}: expected '{expected or 'none'}', as archived, found '{found or 'none'}'; values of "
                "different origin make an archive of their own"
            )


def _check_members(entry: DatasetEntry, analysis: xr.Dataset, where: str) -> None:
    found = analysis.sizes.get("member", 0)
    if found != (entry.members or 0):
        expected = "one analysis a time" if entry.members is None else f"{entry.members} members"
        raise InvalidDataError(f"{where}: expected {expected}, found {found or 'no'} members")


def _check_not_coarser(times: NDArray[np.datetime64], archived: Archived, step_hours: int, where: str) -> None:
    """Refuse means of longer periods, such as months: no two times are a step apart, and the archive has none between.

    Times that are few and far between may fill holes of an archive, and the first new one may leave a hole behind it.
    """
    step = usual_step(times)
    if step is None or np.diff(times).min() <= step_hours * _HOUR:
        return
    known = np.sort(archived())
    between = np.searchsorted(known, times[1:], "left") - np.searchsorted(known, times[:-1], "right")
    far = (between == 0) & ~np.isin(times[:-1], known[-1:])
    if far.any():
        raise InvalidDataError(
            f"{where}: expected times every {step_hours} h, found steps of {step / _HOUR:g} h and more"
            f"{at_time(times, 1 + int(far.argmax()))}"
        )


def _check_period(entry: DatasetEntry, times: NDArray[np.datetime64], where: str) -> None:
    first = np.datetime64(entry.period_start, "ns")
    last = None if entry.period_end is None else np.datetime64(entry.period_end, "ns") + _DAY
    outside = times < first if last is None else (times < first) | (times >= last)
    if outside.any():
        end = "on" if entry.period_end is None else f"to {entry.period_end}"
        raise InvalidDataError(
            f"{where}: expected times from {entry.period_start} {end}, the period of the dataset, found "
            f"{iso(times[outside][0])} ({int(outside.sum())} outside); choose times with --start and --end"
        )
