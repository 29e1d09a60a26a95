"""Scorecards: one forecaster against another by channel, lead time and region, with significance."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from data_catalog.layout.times import minute
from forecast.verification.checks import UnscorableError
from forecast.verification.comparison.bootstrap import block_bootstrap
from forecast.verification.comparison.significance import LEAST_CYCLES, false_discovery_rate, paired_t_test
from forecast.verification.evaluation import scores_of

SCORES = ("crps", "rmse", "mae")
CELL = ("channel", "lead_time", "region")
ADJUSTMENT = "Benjamini-Hochberg false discovery rate over all tests of the card"


def scorecard(sums: xr.DataArray, forecaster: str, reference: str, *, score: str = "crps") -> xr.Dataset:
    """Compare two forecasters in each cell (channel, lead time and region) over the cycles that both have there.

    Args:
        sums: Variable `sums` of `open_score_archive`.
        forecaster: Name of the forecaster to compare.
        reference: Name of the forecaster to compare it with.
        score: `crps`, `rmse` or `mae`.

    Returns:
        Over the channels, lead times and regions that both have: `score` and `reference_score` over all shared cycles
        (roots are taken after averaging), and their number `cycles`; `change`, in percent of the reference, negative
        where the forecaster is better; `p_value` of the mean difference of single cycles by `paired_t_test`,
        `p_bootstrap` by `block_bootstrap`, and `p_adjusted`, the first adjusted by `false_discovery_rate` for the
        number of tests (`tests` in the attributes). Cells of fewer than 10 cycles are compared, but not tested.

    Raises:
        UnscorableError: A name is unknown, nothing is shared, the score is undefined for one of the two, or no cell
            has enough cycles for a test.
    """
    pair = _paired_sums(sums, forecaster, reference, score)
    each = scores_of(pair)[score].transpose("forecaster", "init_time", *CELL)
    shared = each.notnull().all("forecaster")
    if not bool(shared.any()):
        raise UnscorableError(
            f"scorecard: expected {score} of both {forecaster} and {reference} in some cycle, found none "
            "(an ensemble of one member has no fair CRPS)"
        )
    most = int(shared.sum("init_time").max())
    if most < LEAST_CYCLES:
        raise UnscorableError(f"scorecard: expected at least {LEAST_CYCLES} cycles that both have, found {most}")
    pooled = scores_of(pair.where(shared).sum("init_time"))[score].where(shared.any("init_time"))
    ours, theirs = pooled.isel(forecaster=0, drop=True), pooled.isel(forecaster=1, drop=True)
    tests = _tested(each.isel(forecaster=0, drop=True) - each.isel(forecaster=1, drop=True))
    card = xr.Dataset(
        {
            "score": ours,
            "reference_score": theirs,
            "change": 100 * (ours / theirs.where(theirs > 0) - 1),
            "cycles": shared.sum("init_time"),
            **tests,
            "p_adjusted": false_discovery_rate(tests["p_value"]),
        }
    )
    times = pair["init_time"].values[shared.any(CELL).values]
    return card.assign_attrs(
        forecaster=forecaster,
        reference=reference,
        score_name=score,
        cycles=times.size,
        first_init_time=minute(times[0]),
        last_init_time=minute(times[-1]),
        evenly_spaced=int(np.unique(np.diff(times)).size == 1),
        tests=int(card["p_value"].notnull().sum()),
        adjustment=ADJUSTMENT,
    )


def card_table(card: xr.Dataset) -> pd.DataFrame:
    """Return a scorecard as a table with a row for each cell.

    Args:
        card: Scorecard from `scorecard`.

    Returns:
        Columns region, channel, lead_hours, cycles, score, reference_score, change_percent, p_value, p_bootstrap,
        p_adjusted.
    """
    table = card.to_dataframe(dim_order=["region", "channel", "lead_time"]).reset_index()
    hours = table["lead_time"].to_numpy() / np.timedelta64(1, "h")
    table = table.assign(lead_hours=hours.astype(np.int64) if np.all(hours % 1 == 0) else hours)
    table = table[table["cycles"] > 0].rename(columns={"change": "change_percent"})
    columns = ["region", "channel", "lead_hours", "cycles", "score", "reference_score", "change_percent"]
    return table[[*columns, "p_value", "p_bootstrap", "p_adjusted"]].reset_index(drop=True)


def _paired_sums(sums: xr.DataArray, forecaster: str, reference: str, score: str) -> xr.DataArray:
    if score not in SCORES:
        raise UnscorableError(f"score: expected one of {list(SCORES)}, found '{score}'")
    known = sums["forecaster"].values.tolist()
    for name in (forecaster, reference):
        if name not in known:
            raise UnscorableError(f"scorecard: expected one of {known}, found '{name}'")
    if forecaster == reference:
        raise UnscorableError(f"scorecard: expected two forecasters, found '{forecaster}' twice")
    pair = sums.sel(forecaster=[forecaster, reference]).sortby("init_time")
    weight = pair.sel(statistic="weight")
    for axis in CELL:
        both = weight.notnull().any([dim for dim in weight.dims if dim not in (axis, "forecaster")]).all("forecaster")
        if not bool(both.any()):
            raise UnscorableError(f"scorecard: expected a {axis} that {forecaster} and {reference} share, found none")
        pair = pair.sel({axis: both[axis].values[both.values]})
    return pair


def _tested(difference: xr.DataArray) -> dict[str, xr.DataArray]:
    """P-values of each cell by both tests; NaN where there are too few cycles."""
    series = difference.transpose("init_time", *CELL)
    shape = series.shape[1:]
    flat = series.values.reshape(series.shape[0], -1)
    p_values = np.full((2, flat.shape[1]), np.nan)
    for times, cells in _same_cycles(np.isfinite(flat)):
        if times.size >= LEAST_CYCLES:
            values = xr.DataArray(flat[np.ix_(times, cells)], dims=("init_time", "cell"))
            p_values[0, cells] = paired_t_test(values)["p_value"].values
            p_values[1, cells] = block_bootstrap(values)["p_value"].values
    coords: dict[str, Any] = {name: difference[name].values for name in CELL}
    names = ("p_value", "p_bootstrap")
    return {
        name: xr.DataArray(values.reshape(shape), dims=CELL, coords=coords)
        for name, values in zip(names, p_values, strict=True)
    }


def _same_cycles(known: NDArray[np.bool_]) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Yield the positions of cycles and cells for each set of cells that have the same cycles."""
    patterns, group = np.unique(known, axis=1, return_inverse=True)
    for index in range(patterns.shape[1]):
        yield np.flatnonzero(patterns[:, index]), np.flatnonzero(np.ravel(group) == index)
