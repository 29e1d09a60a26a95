"""Scores by scale: zonal and spherical-harmonic spectra."""

from collections.abc import Hashable
from functools import lru_cache
from typing import Any, Literal

import numpy as np
import scipy.fft
import xarray as xr
from numpy.typing import NDArray

from data_catalog.statistics.legendre import legendre_functions
from forecast.verification.arguments import aligned
from forecast.verification.checks import Dims, UnscorableError, grid_dimensions, in_units_of, paired
from forecast.verification.datasets import for_each_variable
from forecast.verification.ensemble_pass.statistics import point_statistics
from forecast.verification.weighting import area_weights, weighted_mean

Kind = Literal["spherical", "zonal"]
GRID = ["latitude", "longitude"]


@for_each_variable
def spectrum(field: xr.DataArray, *, kind: Kind = "spherical", truncation: int | None = None) -> xr.DataArray:
    """Power of a global field by wavenumber.

    Args:
        field: Field on `latitude` and `longitude`, degrees, with coordinates, and any other dimensions; from pole to
            pole, and evenly spaced round the circle. NumPy or Dask inside.
        kind: `spherical`: by total wavenumber (degree) of spherical harmonics, fitted by area-weighted least squares;
            the sum over degrees is the area mean of the square of what the harmonics hold. `zonal`: by zonal wavenumber
            along each latitude, averaged over latitudes by area; the sum over wavenumbers is the area mean square.
        truncation: Largest wavenumber, no more than two thirds of the number of latitudes (spherical) or half that of
            longitudes (zonal), which it is when None.

    Returns:
        Power in the square of the unit of `field`, along `wavenumber`; NaN where the field has a missing value.

    Raises:
        UnscorableError: The grid is not global, or cannot resolve the truncation.

    Source: Boer and Shepherd (1983), doi:10.1175/1520-0469(1983)040<0164:LSTDTI>2.0.CO;2
    """
    field = on_latitude_longitude(field)
    if kind == "zonal":
        return _by_wavenumber(field, kind, truncation)
    return (_by_wavenumber(field, kind, truncation) ** 2).sum(["order", "part"], skipna=False)


@aligned(whole_fields=True)
def spectral_crps(
    forecast: xr.DataArray,
    analysis: xr.DataArray,
    *,
    member_dim: Hashable | None = None,
    reduce: Dims = (),
    preserve: Dims | None = None,
    skip_missing: bool = False,
    truncation: int | None = None,
    fair: bool = True,
) -> xr.DataArray:
    """CRPS of the spherical-harmonic coefficients of a field, averaged over those of each degree.

    Args:
        forecast: Ensemble: `member_dim`, `latitude` and `longitude` (degrees, from pole to pole, and evenly spaced
            round the circle) and any other dimensions; NumPy or Dask inside.
        analysis: Verifying analysis: the other dimensions of `forecast`, in any order, same coordinates and unit.
        member_dim: Name of the dimension of the members; None finds `member`, `realization`, `number` and the like.
        reduce: Names of the other dimensions to average over, such as `("lead_time",)`; empty gives one score a field.
        preserve: Names of the dimensions to keep instead, all others being averaged over; None goes by `reduce`.
        skip_missing: True leaves fields with a missing member or analysis out of the average; False makes every average
            NaN that such a field goes into. A field by itself is NaN either way.
        truncation: Largest degree, no more than two thirds of the number of latitudes, which it is when None.
        fair: True scores the distribution that the members are drawn from, whatever their number, and is NaN for one
            member; False scores the members as if they were all there is.

    Returns:
        Score in the unit of `forecast`, along `wavenumber` (the degree n), the mean over its 2 n + 1 real coefficients,
        and the dimensions that are left. Smaller is better.

    Raises:
        UnscorableError: The grid is not global or cannot resolve the truncation, `forecast` and `analysis` do not fit
            together, or `reduce` does not fit them.

    Source: Hersbach (2000), doi:10.1175/1520-0434(2000)015<0559:DOTCRP>2.0.CO;2, for the CRPS
    """
    predicted, observed = (
        _by_wavenumber(on_latitude_longitude(field), "spherical", truncation) for field in (forecast, analysis)
    )
    statistics = point_statistics(predicted, observed, member_dim, "crps")
    values = statistics["fair_crps" if fair else "crps"]
    missing = values.isnull().any(["order", "part", "wavenumber"])
    if member_dim in forecast.dims and fair and forecast.sizes[member_dim] == 1:
        missing = xr.ones_like(missing)
    count = 2 * values["wavenumber"] + 1
    mean = (values.sum(["order", "part"]) / count).where(~missing)
    score = weighted_mean(mean, reduce, None, skip_missing=skip_missing)
    return in_units_of(forecast, score.rename("spectral_crps"))


@aligned(whole_fields=True)
def error_growth(
    forecast: xr.DataArray,
    analysis: xr.DataArray,
    *,
    member_dim: Hashable | None = None,
    reduce: Dims = (),
    preserve: Dims | None = None,
    skip_missing: bool = False,
    kind: Kind = "spherical",
    truncation: int | None = None,
) -> xr.Dataset:
    """Power of error and spread by wavenumber: how both fill the scales as lead time grows.

    Args:
        forecast: Ensemble of at least 2 members: `member_dim`, `latitude` and `longitude` (degrees, from pole to pole,
            and evenly spaced round the circle) and any other dimensions; NumPy or Dask inside.
        analysis: Verifying analysis: the other dimensions of `forecast`, in any order, same coordinates and unit.
        member_dim: Name of the dimension of the members; None finds `member`, `realization`, `number` and the like.
        reduce: Names of the other dimensions to average over, such as `("lead_time",)`; empty gives spectra of each
            field.
        preserve: Names of the dimensions to keep instead, all others being averaged over; None goes by `reduce`.
        skip_missing: True leaves fields with a missing member or analysis out of the average; False makes every average
            NaN that such a field goes into. A field by itself is NaN either way.
        kind: `spherical`: by total wavenumber (degree) of spherical harmonics; `zonal`: by zonal wavenumber along each
            latitude, averaged over latitudes by area.
        truncation: Largest wavenumber, no more than two thirds of the number of latitudes (spherical) or half that of
            longitudes (zonal), which it is when None.

    Returns:
        Power in the square of the unit of `forecast`, along `wavenumber` and the dimensions that are left: `error` of
        the ensemble mean; `spread`, (M + 1) / M times the variance of the members about their mean (divided by M - 1),
        which equals the error's power if members and analysis are drawn alike; and `members` and `analysis`, those of
        the fields themselves, which should be alike, too.

    Raises:
        UnscorableError: The grid is not global or cannot resolve the truncation, `forecast` and `analysis` do not fit
            together, or `reduce` does not fit them.

    Source: Selz et al. (2022), doi:10.1029/2022GL100284, for the diagnostic
    """
    forecast, analysis = paired(forecast, analysis, member_dim, least_members=2)
    analysis = analysis.astype(np.float64)
    members, forecast = forecast.sizes[member_dim], forecast.astype(np.float64)
    mean = forecast.mean([member_dim], skipna=False)
    powers = {
        "error": spectrum(mean - analysis, kind=kind, truncation=truncation),
        "spread": spectrum(forecast - mean, kind=kind, truncation=truncation).sum([member_dim], skipna=False)
        * ((members + 1) / (members * (members - 1))),
        "members": spectrum(forecast, kind=kind, truncation=truncation).mean([member_dim], skipna=False),
        "analysis": spectrum(analysis, kind=kind, truncation=truncation),
    }
    return xr.Dataset(
        {name: weighted_mean(power, reduce, None, skip_missing=skip_missing) for name, power in powers.items()}
    )


def _by_wavenumber(field: xr.DataArray, kind: Kind, truncation: int | None) -> xr.DataArray:
    """Zonal power (wavenumber), or harmonic coefficients (order, wavenumber, part)."""
    latitude, longitude = global_grid(field)
    largest = longitude // 2 if kind == "zonal" else min(2 * len(latitude) // 3, (longitude - 1) // 2)
    wanted = largest if truncation is None else truncation
    if not 0 <= wanted <= largest:
        raise UnscorableError(f"truncation: expected at most {largest} on this grid, found {wanted}")
    if field.chunks is not None:
        field = field.chunk(dict.fromkeys(GRID, -1))
    spherical = kind == "spherical"
    outputs = ["order", "wavenumber", "part"] if spherical else ["wavenumber"]
    result: xr.DataArray = xr.apply_ufunc(
        _spherical if spherical else _zonal,
        field,
        kwargs={"truncation": wanted, "latitude": latitude},
        input_core_dims=[GRID],
        output_core_dims=[outputs],
        exclude_dims=set(GRID),
        dask="parallelized",
        dask_gufunc_kwargs={
            "output_sizes": {"wavenumber": wanted + 1, **({"order": wanted + 1, "part": 2} if spherical else {})}
        },
        output_dtypes=[np.float64],
    )
    return result.assign_coords(wavenumber=np.arange(wanted + 1))


def on_latitude_longitude(field: xr.DataArray) -> xr.DataArray:
    """Return a field whose grid dimensions are named `latitude` and `longitude`, whatever they were named.

    Args:
        field: Field on a grid of latitudes and longitudes.
    """
    return field.rename(
        {name: ours for name, ours in zip(grid_dimensions(field), GRID, strict=True) if name in field.dims}
    )


def global_grid(field: xr.DataArray) -> tuple[tuple[float, ...], int]:
    """Return the latitudes of a global field, degrees, and the number of its longitudes.

    Args:
        field: Field on `latitude` and `longitude`, degrees.

    Raises:
        UnscorableError: The grid is a region, or its longitudes are uneven.
    """
    for dim in GRID:
        if dim not in field.dims or dim not in field.coords:
            raise UnscorableError(f"spectrum: expected dimension and coordinate '{dim}', found {list(field.dims)}")
    longitude = field["longitude"].values.astype(np.float64)
    step = 360.0 / len(longitude)
    if not np.allclose(np.diff(longitude), step, atol=1e-3):
        raise UnscorableError(f"longitude: expected a circle in steps of {step:g} degrees, found other steps")
    latitude = field["latitude"].values.astype(np.float64)
    widest = float(np.abs(np.diff(latitude)).max(initial=0.0))
    if len(latitude) < 2 or latitude.max() < 90 - 1.01 * widest or latitude.min() > 1.01 * widest - 90:
        raise UnscorableError("latitude: expected to reach both poles, found a region")
    return tuple(latitude.tolist()), len(longitude)


def _zonal(field: NDArray[Any], *, truncation: int, latitude: tuple[float, ...]) -> NDArray[np.float64]:
    """Mean over all latitudes, by area, of the power by wavenumber: (..., wavenumber)."""
    longitudes = field.shape[-1]
    areas = area_weights(xr.DataArray(np.asarray(latitude), dims="latitude")).values
    fields = field.reshape(-1, *field.shape[-2:])
    power = np.empty((len(fields), truncation + 1))
    for index, each in enumerate(fields):  # one at a time stays in the cache of the processor
        amplitudes = scipy.fft.rfft(each.astype(np.float64), axis=-1, overwrite_x=True)[:, : truncation + 1]
        power[index] = areas @ (np.square(amplitudes.real) + np.square(amplitudes.imag))
    cosine_and_sine = np.full(truncation + 1, 2.0)
    cosine_and_sine[0] = 1.0
    if longitudes % 2 == 0 and truncation == longitudes // 2:
        cosine_and_sine[-1] = 1.0
    power *= cosine_and_sine / (areas.sum() * longitudes**2)
    return power.reshape(*field.shape[:-2], truncation + 1)


def _spherical(field: NDArray[Any], *, truncation: int, latitude: tuple[float, ...]) -> NDArray[np.float64]:
    """Real coefficients of orthonormal (mean square 1) harmonics: (..., order, degree, cosine and sine)."""
    amplitudes = np.fft.rfft(field.astype(np.float64), axis=-1) / field.shape[-1]
    result = np.zeros((*field.shape[:-2], truncation + 1, truncation + 1, 2))
    for order in range(truncation + 1):
        fitted = amplitudes[..., order] @ _projection(latitude, order, truncation).T
        scale = 1.0 if order == 0 else np.sqrt(2.0)
        result[..., order, order:, 0], result[..., order, order:, 1] = scale * fitted.real, -scale * fitted.imag
    return result


@lru_cache(maxsize=512)
def _projection(latitude: tuple[float, ...], order: int, truncation: int) -> NDArray[np.float64]:
    """Matrix (degree, latitude) that fits the Legendre functions of one order by area-weighted least squares."""
    degrees = np.asarray(latitude)
    functions = legendre_functions(degrees, order, truncation)
    root = np.sqrt(area_weights(xr.DataArray(degrees, dims="latitude")).values)
    projection: NDArray[np.float64] = np.linalg.pinv((functions * root).T) * root
    return projection
