"""The mean seasonal cycle, and the standard deviation of anomalies from it.

The seasonal cycle is a sum of a few annual harmonics, fitted for each hour of the day, so that a
training period of any length gives a smooth curve without the noise of single years.
"""

from collections.abc import Iterator

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from data_catalog.errors import InvalidDataError
from data_catalog.layout.cells import row_areas
from data_catalog.layout.times import hours_of_day, iso, minute, span

_LARGEST_CONDITION = 1e6
_PIECE_VALUES = 2**24
_BLOCK_VALUES = 2**17


def fit_climatology(analysis: xr.Dataset, *, harmonics: int = 3) -> xr.Dataset:
    """Fit the mean seasonal cycle of each channel at each hour of the day, by least squares.

    Args:
        analysis: Training period only, without any test data. Channels without time are left out.
        harmonics: Number of annual harmonics besides the mean.

    Returns:
        Coefficients, dims (hour, coefficient, latitude, longitude): the mean, then cosine and sine of each harmonic.
        Attributes name the training period.

    Raises:
        InvalidDataError: The times at one hour of the day cover too little of the year to separate the harmonics.

    Source: Narapusetty, DelSole and Tippett (2009), doi:10.1175/2009JCLI2944.1
    """
    times = analysis["time"].values
    hours = hours_of_day(times)
    fitted = np.unique(hours)
    weights = np.zeros((len(fitted), 1 + 2 * harmonics, len(times)))
    for index, hour in enumerate(fitted):
        weights[index][:, hours == hour] = _fit_weights(times[hours == hour], hour, harmonics)
    timed = analysis[[name for name, field in analysis.items() if "time" in field.dims]]
    climatology = _weighted_sums(timed, weights).assign_coords(hour=fitted)
    return climatology.assign_attrs(
        title="Mean seasonal cycle as annual harmonics",
        training_start=minute(times[0]),
        training_end=minute(times[-1]),
        training_times=len(times),
        harmonics=harmonics,
    )


def _fit_weights(times: NDArray[np.datetime64], hour: int, harmonics: int) -> NDArray[np.float64]:
    """Return the weight of each time in each coefficient, (coefficient, time)."""
    basis = annual_basis(times, harmonics)
    gram = basis.T @ basis / len(times)
    if not np.linalg.cond(gram) < _LARGEST_CONDITION:
        raise InvalidDataError(
            f"climatology: expected times at {hour} UTC over most of a year for {harmonics} harmonics, found "
            f"{span(times)}"
        )
    return np.asarray(np.linalg.solve(gram, basis.T / len(times)), np.float64)


def _weighted_sums(analysis: xr.Dataset, weights: NDArray[np.float64]) -> xr.Dataset:
    """Sum fields with weights (hour, coefficient, time) in one pass over the data, a few times in memory at once."""
    dims = {name: tuple(dim for dim in field.dims if dim != "time") for name, field in analysis.items()}
    shapes = {name: tuple(analysis.sizes[dim] for dim in dims[name]) for name in dims}
    sums = {name: np.zeros((*weights.shape[:2], *shape)) for name, shape in shapes.items()}
    for chosen in _pieces(analysis):
        piece = analysis.isel(time=chosen).load()
        for name, total in sums.items():
            _add(total, weights[:, :, chosen], piece[name].transpose("time", *dims[name]).values)
    coords = {name: analysis[name] for name in ("latitude", "longitude") if name in analysis.coords}
    return xr.Dataset(
        {
            name: (
                ("hour", "coefficient", *dims[name]),
                total.astype(np.float32),
                {key: analysis[name].attrs[key] for key in ("units", "standard_name") if key in analysis[name].attrs},
            )
            for name, total in sums.items()
        },
        coords,
    )


def _add(total: NDArray[np.float64], weights: NDArray[np.float64], values: NDArray[np.floating]) -> None:
    """Add the weighted sum of some times to the total of each hour that has any of them."""
    for hour, of_hour in enumerate(weights):
        rows = np.flatnonzero(of_hour.any(axis=0))
        if rows.size:
            total[hour] += np.tensordot(of_hour[:, rows], values[rows].astype(np.float64), axes=1)


def evaluate_climatology(climatology: xr.Dataset, times: NDArray[np.datetime64]) -> xr.Dataset:
    """Evaluate the seasonal cycle at given times.

    Args:
        climatology: Result of `fit_climatology`.
        times: Times in any year, at hours of the day that were fitted.

    Returns:
        Each channel, dims (time, latitude, longitude), float32.

    Raises:
        InvalidDataError: A time is at an hour of the day that was not fitted.
    """
    times = np.atleast_1d(np.asarray(times)).astype("datetime64[ns]")
    at = _positions_of_hours(climatology, times)
    basis = annual_basis(times, (climatology.sizes["coefficient"] - 1) // 2)
    fields = {}
    for name, coefficients in climatology.items():
        ordered = coefficients.transpose("hour", "coefficient", ...)
        values = np.empty((len(times), *ordered.shape[2:]), np.float32)
        for index in np.unique(at):
            chosen = at == index
            values[chosen] = np.tensordot(basis[chosen], ordered.values[index], axes=1)
        fields[name] = (("time", *map(str, ordered.dims[2:])), values, coefficients.attrs)
    places = {name: climatology[name] for name in ("latitude", "longitude") if name in climatology.coords}
    return xr.Dataset(fields, coords={"time": times, **places})


def _positions_of_hours(climatology: xr.Dataset, times: NDArray[np.datetime64]) -> NDArray[np.intp]:
    """Position of the hour of the day of each time among those that were fitted."""
    fitted, hours = climatology["hour"].values, hours_of_day(times)
    unknown = np.flatnonzero(~np.isin(hours, fitted))
    if unknown.size:
        raise InvalidDataError(
            f"climatology: expected an hour of the day among {fitted.tolist()}, found {iso(times[unknown[0]])}"
        )
    return np.searchsorted(fitted, hours)


def fit_normalisation(analysis: xr.Dataset, climatology: xr.Dataset) -> xr.Dataset:
    """Compute the area-weighted standard deviation of each channel's anomalies over space and time.

    Args:
        analysis: Training period only.
        climatology: Climatology fitted to the same period.

    Returns:
        One number per channel, in the units of the channel.
    """
    weights = row_areas(analysis["latitude"].values)
    spreads = {}
    for name in climatology.data_vars:
        field = analysis[name].transpose("time", "latitude", "longitude")
        coefficients = climatology[name].transpose("hour", "coefficient", *field.dims[1:]).values.astype(np.float64)
        squares = np.zeros(len(weights))
        for chosen in _pieces(field.to_dataset()):
            piece = field.isel(time=chosen)
            at = _positions_of_hours(climatology, piece["time"].values)
            squares += _squares_by_row(piece, coefficients, at)
        attributes = {**climatology[name].attrs, "long_name": "standard deviation of anomalies"}
        spreads[name] = xr.DataArray(np.sqrt(float(squares @ weights) / field.size), attrs=attributes)
    return xr.Dataset(spreads, attrs=climatology.attrs)


def _pieces(analysis: xr.Dataset) -> Iterator[slice]:
    """Split an analysis in time into pieces that fit in memory, along whole chunks if it is lazy."""
    times, values = analysis.sizes["time"], sum(field.size for field in analysis.values())
    at_once = max(1, _PIECE_VALUES * times // max(values, 1))
    longest = max((max(field.chunksizes["time"]) for field in analysis.values() if field.chunks is not None), default=1)
    at_once = -(-at_once // longest) * longest
    for first in range(0, times, at_once):
        yield slice(first, first + at_once)


def _squares_by_row(
    piece: xr.DataArray, coefficients: NDArray[np.float64], at: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Sum of squared anomalies of each row of the grid, found in blocks that stay in a processor's cache."""
    values, basis = piece.values, annual_basis(piece["time"].values, (coefficients.shape[1] - 1) // 2)
    at_once = max(1, _BLOCK_VALUES // max(values[:1].size, 1))
    squares = np.zeros(values.shape[1])
    for hour in np.unique(at):
        rows = np.flatnonzero(at == hour)
        for block in np.array_split(rows, -(-len(rows) // at_once)):
            mean = np.tensordot(basis[block], coefficients[hour], axes=1).astype(np.float32)
            anomaly = (values[block] - mean).astype(np.float64)
            squares += np.einsum("tlc,tlc->l", anomaly, anomaly)
    return squares


def annual_basis(times: NDArray[np.datetime64], harmonics: int) -> NDArray[np.float64]:
    """Return a column of ones and the cosine and sine of each annual harmonic, (time, 1 + 2 x harmonics).

    Args:
        times: Times, datetime64.
        harmonics: Number of annual harmonics besides the mean.
    """
    years = times.astype("datetime64[Y]")
    start, following = years.astype("datetime64[s]"), (years + 1).astype("datetime64[s]")
    angle = 2 * np.pi * ((times.astype("datetime64[s]") - start) / (following - start))
    columns = [np.ones(len(times))]
    for order in range(1, harmonics + 1):
        columns += [np.cos(order * angle), np.sin(order * angle)]
    return np.stack(columns, axis=1)
