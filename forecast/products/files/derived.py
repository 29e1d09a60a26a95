"""The products file: mean, spread, quantiles and probabilities of the members, computed one lead at a time."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import netCDF4
import numpy as np
import numpy.typing as npt

from data_catalog.errors import ConfigurationError, InvalidDataError, MissingDataError
from data_catalog.layout.variables import channel
from data_catalog.storage.atomic_files import atomic_path, disk_errors
from forecast.products.files import cf
from forecast.products.files.rounding import bit_round, kept_bits

MEMBERS_OF_A_SPREAD = 2
STATISTIC_BITS = 14
COLLAPSED_MEMBERS = "realization"
MAP_DIMENSIONS = ("time", "latitude", "longitude")
QUANTILE_DIMENSIONS = ("quantile", *MAP_DIMENSIONS)
Fields = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Event:
    """A channel strictly above or below a threshold, in the channel's units."""

    channel_name: str
    side: Literal["above", "below"]
    threshold: float

    @property
    def variable_name(self) -> str:
        """Name of its probability in the products file, such as `tp24_above_10` or `t2m_below_273p15`."""
        number = f"{self.threshold:.10g}".replace("-", "m").replace(".", "p").replace("+", "")
        return f"{self.channel_name}_{self.side}_{number}"

    def occurs(self, values: Fields) -> npt.NDArray[np.bool_]:
        """Where it happens; a value equal to the threshold is no event."""
        happens: npt.NDArray[np.bool_] = values > self.threshold if self.side == "above" else values < self.threshold
        return happens


@dataclass(frozen=True)
class _Product:
    """A variable of the products file and how it comes from the members, (member, latitude, longitude)."""

    name: str
    channel_name: str
    dimensions: tuple[str, ...]
    attributes: Mapping[str, Any]
    compute: Callable[[Fields], npt.NDArray[Any]]
    bits: int


class Exceedance(Protocol):
    """An entry of a system's probabilities."""

    @property
    def channel(self) -> str:
        """Name of the channel."""

    @property
    def above(self) -> float | None:
        """Threshold, when it is exceeded from below."""

    @property
    def below(self) -> float | None:
        """Threshold, when values under it count."""


def event(exceedance: Exceedance | Mapping[str, Any]) -> Event:
    """Read one entry of a system's probabilities: a channel, and a threshold that it is above or below.

    The side and the threshold are given either as `above = 10.0` or as `above = true, threshold = 10.0`.

    Raises:
        ConfigurationError: It names no side, both sides, or no number.
    """
    probability = (
        exceedance
        if isinstance(exceedance, Mapping)
        else {"channel": exceedance.channel, "above": exceedance.above, "below": exceedance.below}
    )
    sides = [side for side in ("above", "below") if probability.get(side) not in (None, False)]
    if len(sides) != 1 or "channel" not in probability:
        raise ConfigurationError(f"probability {dict(probability)}: expected a channel and one of above or below")
    given = probability.get("threshold")
    value = probability[sides[0]] if given is None else given
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ConfigurationError(f"probability {dict(probability)}: expected a number as threshold, found {value!r}")
    return Event(str(probability["channel"]), "above" if sides[0] == "above" else "below", float(value))


def write_products(
    forecast_path: Path | str,
    out_path: Path | str,
    quantiles: Sequence[float] = (0.1, 0.25, 0.5, 0.75, 0.9),
    probabilities: Sequence[Exceedance | Mapping[str, Any]] = (),
) -> Path:
    """Write mean, spread, quantiles and probabilities of each channel, reading the members one lead at a time.

    The spread is the standard deviation with M-1; an ensemble of one member has neither spread nor quantiles, and the
    file then holds none. Quantiles interpolate linearly between members. A probability is the share of members.

    Args:
        forecast_path: A forecast file of ours.
        out_path: The products file; appears whole or not at all.
        quantiles: Each within 0 to 1, ascending.
        probabilities: Events, as `event` reads them.

    Raises:
        ConfigurationError: A quantile outside of 0 to 1, or an event of a channel that the forecast lacks.
        InvalidDataError: The forecast cannot be read, or holds a value that is not finite.
        MissingDataError: There is no forecast.
    """
    path = Path(out_path)
    levels = np.asarray(quantiles, dtype=np.float64)
    if levels.size and (levels.min() < 0 or levels.max() > 1 or np.any(np.diff(levels) <= 0)):
        raise ConfigurationError(f"quantiles {list(quantiles)}: expected ascending numbers from 0 to 1")
    if not Path(forecast_path).exists():
        raise MissingDataError(f"forecast {forecast_path}: expected a file, found none")
    with netCDF4.Dataset(forecast_path) as source, atomic_path(path) as partial:
        channels = [name for name, variable in source.variables.items() if variable.dimensions[:1] == ("realization",)]
        channels.remove("realization")
        events = [event(probability) for probability in probabilities]
        for each in events:
            if each.channel_name not in channels:
                raise ConfigurationError(f"probability of {each.channel_name}: the forecast has {', '.join(channels)}")
        products = list(_products(channels, source.dimensions["realization"].size, levels, events))
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
    for each in events:
        yield _probability(each)


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


def _probability(each: Event) -> _Product:
    field = cf.field_attributes(channel(each.channel_name))
    attributes = {
        "long_name": f"probability of {field['long_name']} {each.side} {each.threshold:g} {field['units']}",
        "units": "1",
        "comment": "share of the members; a value equal to the threshold does not count",
        "threshold": each.threshold,
        "grid_mapping": field["grid_mapping"],
        "coordinates": field["coordinates"],
    }

    def compute(values: Fields) -> npt.NDArray[Any]:
        share: npt.NDArray[Any] = each.occurs(values).mean(axis=0)
        return share

    return _Product(each.variable_name, each.channel_name, MAP_DIMENSIONS, attributes, compute, STATISTIC_BITS)


def ensemble_mean(values: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Mean over the leading axis, summed in float64."""
    mean: npt.NDArray[np.float64] = np.mean(values, axis=0, dtype=np.float64)
    return mean


def ensemble_spread(values: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Standard deviation with M-1 over the leading axis, summed in float64."""
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
    """Write the scalar label that names the members which a mean or spread was taken over."""
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
    """All members of a channel at one lead, checked."""
    where = f"{source.filepath()}, {name}, lead index {lead_index}"
    try:
        values = np.asarray(source.variables[name][:, lead_index], dtype=np.float32)
    except (OSError, RuntimeError) as error:
        raise InvalidDataError(f"{where}: cannot be read ({error})") from error
    if not np.isfinite(values).all() or np.any(values == np.float32(cf.FILL_VALUE)):
        raise InvalidDataError(f"{where}: expected finite values, found missing ones")
    return values
