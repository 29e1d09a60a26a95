"""Skill: a score relative to that of a reference forecast."""

from typing import Any, TypeVar

import numpy as np
import xarray as xr

from forecast.verification.checks import UnscorableError, check_on_grid
from forecast.verification.set_aside import placed

try:
    from forecast.verification.ensemble_pass.points import skills
except ImportError:  # no numba for this platform: the same results, slower
    from forecast.verification.ensemble_pass.points_numpy import skills

Scores = TypeVar("Scores", xr.DataArray, xr.Dataset)


def skill(score: Scores, reference: Scores, *, perfect: float = 0.0) -> Scores:
    """Skill score, of averages: (reference - score) / (reference - perfect).

    Args:
        score: Averaged score of the forecast; a DataArray, or a Dataset of scores.
        reference: The same score of the reference forecast, such as climatology: any of the dimensions of `score`, on
            the same coordinates; of a Dataset, all variables of `score`.
        perfect: Score of a perfect forecast: 0 for errors and the CRPS, 1 for correlations and hit rates.

    Returns:
        1 for a perfect forecast, 0 for one as good as the reference, negative for a worse one, on the dimensions of
        `score`; NaN where the reference is perfect.

    Raises:
        UnscorableError: The reference has a dimension or coordinates that the score lacks, or another unit.

    Source: Murphy (1988), doi:10.1175/1520-0493(1988)116<2417:SSBOTM>2.0.CO;2
    """
    if isinstance(score, xr.Dataset) and isinstance(reference, xr.Dataset):
        return _skills(score, reference, perfect)
    if isinstance(score, xr.DataArray) and isinstance(reference, xr.DataArray):
        return _skill(score, reference, perfect)
    found = f"{type(score).__name__} and {type(reference).__name__}"
    raise UnscorableError(f"reference: expected a DataArray for a DataArray, a Dataset for a Dataset, found {found}")


def _skills(score: xr.Dataset, reference: xr.Dataset, perfect: float) -> xr.Dataset:
    missing = [str(name) for name in score.data_vars if name not in reference]
    if missing:
        raise UnscorableError(f"reference: expected the variables of the score, found none of {missing}")
    return xr.Dataset({name: _skill(part, reference[name], perfect) for name, part in score.data_vars.items()})


def _skill(score: xr.DataArray, reference: xr.DataArray, perfect: float) -> xr.DataArray:
    units = (score.attrs.get("units"), reference.attrs.get("units"))
    if None not in units and units[0] != units[1]:
        raise UnscorableError(f"reference: expected unit '{units[0]}' as the score has, found '{units[1]}'")
    check_on_grid("reference", reference, score)
    options: dict[str, Any] = {"dask": "parallelized", "output_dtypes": [_dtype(score, reference)], "keep_attrs": False}
    found = xr.apply_ufunc(skills, score.variable, reference.variable, kwargs={"perfect": perfect}, **options)
    return placed(found.transpose(*score.dims), score).rename("skill")


def _dtype(score: xr.DataArray, reference: xr.DataArray) -> type[np.floating[Any]]:
    return np.float32 if score.dtype == reference.dtype == np.float32 else np.float64
