"""Spectra of fields on a part of the world, which do not repeat at its edges."""

from typing import Any

import numpy as np
import scipy.fft
import xarray as xr
from numpy.typing import NDArray

from forecast.verification.checks import UnscorableError
from forecast.verification.datasets import for_each_variable
from forecast.verification.scores.spectra import GRID, on_latitude_longitude


@for_each_variable
def limited_area_spectrum(field: xr.DataArray) -> xr.DataArray:
    """Power of a field on a region by wavenumber, from a two-dimensional discrete cosine transform.

    The transform mirrors the field at its edges, so that a trend across the region does not spill over into all
    wavenumbers as in a Fourier transform. Points count alike, whatever their area.

    Args:
        field: Field on `latitude` and `longitude`, evenly spaced, and any other dimensions; NumPy or Dask inside.

    Returns:
        Power in the square of the unit of `field`, along `wavenumber`: the number of half waves across the shorter
        side of the region, in points. The sum over wavenumbers is the mean square over points. NaN where the field has
        a missing value.

    Raises:
        UnscorableError: A dimension is missing, or has fewer than 4 points.

    Source: Denis, Cote and Laprise (2002), doi:10.1175/1520-0493(2002)130<1812:SDOTDA>2.0.CO;2
    """
    field = on_latitude_longitude(field)
    for dim in GRID:
        if field.sizes.get(dim, 0) < 4:
            raise UnscorableError(f"spectrum: expected at least 4 points along '{dim}', found {dict(field.sizes)}")
    if field.chunks is not None:
        field = field.chunk(dict.fromkeys(GRID, -1))
    bins = _bins(field.sizes["latitude"], field.sizes["longitude"])
    count = int(bins.max()) + 1
    power: xr.DataArray = xr.apply_ufunc(
        _power,
        field,
        kwargs={"bins": bins},
        input_core_dims=[GRID],
        output_core_dims=[["wavenumber"]],
        exclude_dims=set(GRID),
        dask="parallelized",
        dask_gufunc_kwargs={"output_sizes": {"wavenumber": count}},
        output_dtypes=[np.float64],
    )
    return power.assign_coords(wavenumber=np.arange(count))


def _bins(rows: int, columns: int) -> NDArray[np.int64]:
    """Wavenumber of each element of the transform: equations 10 and 11 of the source."""
    along, across = np.arange(rows)[:, None] / rows, np.arange(columns) / columns
    # The small number keeps whole wavenumbers in their own bin, where rounding would put some into the one below.
    whole: NDArray[np.int64] = np.floor(min(rows, columns) * np.hypot(along, across) + 1e-9).astype(np.int64)
    return whole


def _power(field: NDArray[Any], *, bins: NDArray[np.int64]) -> NDArray[np.float64]:
    squares = np.square(scipy.fft.dctn(field.astype(np.float64), axes=(-2, -1), norm="ortho")) / bins.size
    flat, order = squares.reshape(*field.shape[:-2], -1), np.argsort(bins.ravel(), kind="stable")
    starts = np.searchsorted(bins.ravel()[order], np.arange(bins.max() + 1))
    summed: NDArray[np.float64] = np.add.reduceat(flat[..., order], starts, axis=-1)
    return summed
