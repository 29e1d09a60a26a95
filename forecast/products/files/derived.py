"""The products file: mean, spread, quantiles and probabilities of the members, computed one lead time at a time."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import numpy.typing as npt

from data_catalog.errors import ConfigurationError, InvalidDataError, MissingDataError
from data_catalog.layout.variables import channel
from data_catalog.storage.atomic_files import atomic_path, disk_errors
from forecast.products.files import cf
from forecast.products.files.rounding import bit_round, kept_bits
from forecast.system.products import Event

MEMBERS_OF_A_SPREAD = 2
STATISTIC_BITS = 14
COLLAPSED_MEMBERS = "realization"
MAP_DIMENSIONS = ("time", "latitude", "longitude")
QUANTILE_DIMENSIONS = ("quantile", *MAP_DIMENSIONS)
Fields = npt.NDArray[np.float32]


@dataclass(frozen=True)
class _Product:
    """A variable of the products file.

    Attributes:
        name: Name of the variable.
        channel_name: Channel that it is computed from.
        dimensions: Names of its dimensions.
        attributes: Attributes of the variable.
        compute: Computes it at one lead time from the members, (member, latitude, longitude).
        bits: Number of explicit mantissa bits that are stored.
    """

    name: str
    channel_name: str
    dimensions: tuple[str, ...]
    attributes: Mapping[str, Any]
    compute: Callable[[Fields], npt.NDArray[Any]]
    bits: int


def write_products(
    forecast_path: Path | str,
    out_path: Path | str,
    quantiles: Sequence[float] = (0.1, 0.25, 0.5, 0.75, 0.9),
    probabilities: Sequence[Event] = (),
) -> Path:
    """Write mean, spread and quantiles of each channel, and probabilities of events, as CF-1.11 NetCDF.

    The spread is the standard deviation with denominator M - 1. Quantiles interpolate linearly between members. A
    probability is the share of members in which the event occurs. The file of a single member has no spread and no
    quantiles.

    Args:
        forecast_path: A forecast file.
        out_path: The products file to create or replace, atomically.
        quantiles: Quantile levels from 0 to 1, ascending.
        probabilities: Events of channels of the forecast.

    Returns:
        `out_path`.

    Raises:
        ConfigurationError: A quantile is outside 0 to 1, the forecast lacks an event's channel, or the disk cannot be
            written.
        InvalidDataError: The forecast cannot be read, or holds a value that is missing or not finite.
        MissingDataError: There is no forecast file.
    """
    path = Path(out_path)
    levels = np.asarray(quantiles, dtype=np.float64)
    if levels.size and (levels.min() < 0 or levels.max() > 1 or np.any(np.diff(levels) <= 0)):
        raise ConfigurationError(f"quantiles: expected ascending numbers from 0 to 1, found {list(quantiles)}")
    if not Path(forecast_path).exists():
        raise MissingDataError(f"forecast {forecast_path}: expected a file, found none")
    with netCDF4.Dataset(forecast_path) as source, atomic_path(path) as partial:
        channels = [name for name, variable in source.variables.items() if variable.dimensions[:1] == ("realization",)]
        channels.remove("realization")
        for event in probabilities:
            if event.channel not in channels:
                raise ConfigurationError(
                    f"probabilities: expected channels of the forecast, {', '.join(channels)}, found {event.channel}"
                )
        products = list(_products(channels, source.dimensions["realization"].size, levels, probabilities))
        with disk_errors(path), netCDF4.Dataset(partial, "w", format="NETCDF4") as target:
            _create(target, source, products, levels)
            _fill(target, source, products)
    return path


def _products(
    channels: Sequence[str], members: int, levels: npt.NDArray[np.float64], events: Sequence[Event]
) -> Iterator[_Product]:
    for name in channels:
        yield _mean(name)
        if members >= MEMBERS_OF_A_SPREAD:
            yield _spread(name)
            if levels.size:
                yield _quantiles(name, levels)
    for event in events:
        yield _probability(event)


def _mean(name: str) -> _Product:
    attributes = cf.field_attributes(channel(name), cell_methods="realization: mean")
    attributes["coordinates"] += f" {COLLAPSED_MEMBERS}"
    attributes["long_name"] = f"ensemble mean of {attributes['long_name']}"
    bits = kept_bits(channel(name).variable.short_name)
    return _Product(f"{name}_mean", name, MAP_DIMENSIONS, attributes, ensemble_mean, bits)


def _spread(name: str) -> _Product:
    methods = "realization: standard_deviation"
    attributes = cf.field_attributes(channel(name), cell_methods=methods, difference=True)
    attributes["coordinates"] += f" {COLLAPSED_MEMBERS}"
    attributes["long_name"] = f"ensemble spread of {attributes['long_name']}"
    return _Product(f"{name}_spread", name, MAP_DIMENSIONS, attributes, ensemble_spread, STATISTIC_BITS)


def _quantiles(name: str, levels: npt.NDArray[np.float64]) -> _Product:
    attributes = cf.field_attributes(channel(name))
    attributes["long_name"] = f"ensemble quantiles of {attributes['long_name']}"
    bits = kept_bits(channel(name).variable.short_name)

    def compute(values: Fields) -> npt.NDArray[Any]:
        found: npt.NDArray[Any] = np.quantile(values, levels, axis=0)
        return found

    return _Product(f"{name}_quantile", name, QUANTILE_DIMENSIONS, attributes, compute, bits)


def _probability(event: Event) -> _Product:
    field = cf.field_attributes(channel(event.channel))
    attributes = {
        "long_name": f"probability of {field['long_name']} {event.side} {event.threshold:g} {field['units']}",
        "units": "1",
        "comment": "share of the members; a value equal to the threshold does not count",
        "threshold": event.threshold,
        "grid_mapping": field["grid_mapping"],
        "coordinates": field["coordinates"],
    }

    def compute(values: Fields) -> npt.NDArray[Any]:
        share: npt.NDArray[Any] = occurs(event, values).mean(axis=0)
        return share

    return _Product(probability_name(event), event.channel, MAP_DIMENSIONS, attributes, compute, STATISTIC_BITS)


def probability_name(event: Event) -> str:
    """Name the variable of the products file that holds an event's probability.

    Args:
        event: The event.

    Returns:
        The name, such as `tp24_above_10` or `t2m_below_273p15`; `p` stands for the decimal point, `m` for minus.
    """
    number = f"{event.threshold:.10g}".replace("-", "m").replace(".", "p").replace("+", "")
    return f"{event.channel}_{event.side}_{number}"


def occurs(event: Event, values: Fields) -> npt.NDArray[np.bool_]:
    """Find where an event occurs; a value equal to the threshold does not count.

    Args:
        event: The event.
        values: Values of the event's channel, in its units; any shape.

    Returns:
        Whether it occurs, in the shape of `values`.
    """
    found: npt.NDArray[np.bool_] = values > event.threshold if event.side == "above" else values < event.threshold
    return found


def ensemble_mean(values: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Average the members in float64.

    Args:
        values: Members, (member, ...).

    Returns:
        The mean, in the shape of one member.
    """
    mean: npt.NDArray[np.float64] = np.mean(values, axis=0, dtype=np.float64)
    return mean


def ensemble_spread(values: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Compute the standard deviation of the members in float64, with denominator M - 1.

    Args:
        values: At least 2 members, (member, ...).

    Returns:
        The spread, in the shape of one member.
    """
    spread: npt.NDArray[np.float64] = np.std(values, axis=0, ddof=1, dtype=np.float64)
    return spread


def _create(
    target: netCDF4.Dataset, source: netCDF4.Dataset, products: Sequence[_Product], levels: npt.NDArray[np.float64]
) -> None:
    axes, accumulation = cf.read_axes(source)
    attributes = {name: str(source.getncattr(name)) for name in source.ncattrs()}
    attributes["title"] = f"{attributes.get('title', '')}: ensemble products"
    members = source.dimensions["realization"].size
    attributes["comment"] = f"{attributes.get('comment', '')} Statistics of {members} members.".strip()
    cf.write_global_attributes(target, attributes)
    cf.write_axes(target, axes, accumulation=accumulation)
    _create_collapsed_members(target, np.asarray(source.variables["realization"][:]))
    if any("quantile" in product.dimensions for product in products):
        target.createDimension("quantile", levels.size)
        quantile = target.createVariable("quantile", "f8", ("quantile",))
        quantile.setncatts({"long_name": "quantile of the ensemble", "units": "1"})
        quantile[:] = levels
    plane = (axes.latitude.size, axes.longitude.size)
    for product in products:
        cf.write_level(target, channel(product.channel_name))
        chunks = (*(1 for _ in product.dimensions[:-2]), *plane)
        variable = target.createVariable(product.name, "f4", product.dimensions, chunksizes=chunks, **cf.COMPRESSION)
        variable.setncatts(product.attributes)
        cf.keep_one_chunk(variable)


def _create_collapsed_members(target: netCDF4.Dataset, members: npt.NDArray[np.int32]) -> None:
    """Write the scalar coordinate that lists the members which means and spreads are taken over."""
    realization = target.createVariable(COLLAPSED_MEMBERS, str)
    realization.setncattr("long_name", "members that the statistic is taken over")
    realization[...] = np.array(" ".join(map(str, members.tolist())), dtype=object)


def _fill(target: netCDF4.Dataset, source: netCDF4.Dataset, products: Sequence[_Product]) -> None:
    by_channel: dict[str, list[_Product]] = {}
    for product in products:
        by_channel.setdefault(product.channel_name, []).append(product)
    for name in by_channel:
        cf.keep_one_chunk(source.variables[name])
    for lead_index in range(source.dimensions["time"].size):
        for name, wanted in by_channel.items():
            values = _members(source, name, lead_index)
            for product in wanted:
                result = bit_round(product.compute(values).astype(np.float32), product.bits)
                target.variables[product.name][..., lead_index, :, :] = result


def _members(source: netCDF4.Dataset, name: str, lead_index: int) -> Fields:
    """Read all members of a channel at one lead time; none of their values may be missing."""
    where = f"{source.filepath()}, {name}, lead index {lead_index}"
    try:
        values = np.asarray(source.variables[name][:, lead_index], dtype=np.float32)
    except (OSError, RuntimeError) as error:
        raise InvalidDataError(f"{where}: expected readable values, found a damaged file ({error})") from error
    if not np.isfinite(values).all() or np.any(values == np.float32(cf.FILL_VALUE)):
        raise InvalidDataError(f"{where}: expected finite values, found others")
    return values
