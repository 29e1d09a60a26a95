"""Channels against the laws that tie them: hydrostatic and geostrophic balance, the order of levels, the seasons."""

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from data_catalog.layout.quantities import Channel
from data_catalog.layout.variables import channel
from data_catalog.quality.fields import Fields
from data_catalog.quality.measure import Measure

_GAS_CONSTANT = 287.05
_EARTH_RADIUS_M = 6.371e6
_ROTATION = 7.292e-5
_LAPSE = 6.5e-3
_SCALE_HEIGHT_M = 7400.0
_FEWEST = 20
_TROPICS = 20.0
_HIGH_GROUND_M = 800.0
_LAYER_TOLERANCE_K = 8.0
_WARMEST_DAY = 205.0
_SEASON_DAYS = 60
Found = Iterator[tuple[str, str, Measure]]
"""Channel, name of the measure, measure."""


def physics(fields: Fields) -> Found:
    """Measure how far channels depart from the laws that tie them, over all of the times.

    Args:
        fields: Some times, thinned, at least 20.

    Yields:
        Measures that are the same at all times, with limits by physics; nothing of channels that no law ties.
    """
    if len(fields.times) < _FEWEST:
        return
    channels = {name: channel(name) for name in fields.values}
    yield from _layer_temperature(fields, channels)
    yield from _geostrophic(fields, channels)
    yield from _order_of_levels(fields, channels)
    yield from _seasons(fields, channels)


def _same(fields: Fields, number: float) -> NDArray[np.floating]:
    return np.full(len(fields.times), number)


def _on_levels(channels: Mapping[str, Channel], short: str) -> dict[int, str]:
    """Names of the channels of a variable by level, from the ground up."""
    found = {one.level_hpa: name for name, one in channels.items() if one.variable.short_name == short}
    return {level: found[level] for level in sorted((level for level in found if level), reverse=True)}


def geopotentials(fields: Fields, channels: Mapping[str, Channel]) -> dict[int, NDArray[np.float32]]:
    """Return geopotential by level, m2 s-2; at 1000 hPa that of mean sea level pressure, by the hypsometric equation.

    Args:
        fields: Some times.
        channels: By name.
    """
    found = {level: fields.values[name] for level, name in _on_levels(channels, "z").items()}
    temperatures = _on_levels(channels, "t")
    if "msl" in channels and 1000 not in found:
        lowest = next(iter(temperatures.items()), None)
        below = _LAPSE * _SCALE_HEIGHT_M * np.log(1000 / lowest[0]) / 2 if lowest else 0.0
        warmth = fields.values[lowest[1]] + below if lowest else 283.0
        found[1000] = np.asarray(_GAS_CONSTANT * warmth * np.log(fields.values["msl"] / 1e5), np.float32)
    return dict(sorted(found.items(), reverse=True))


def _area_mean(fields: Fields, values: NDArray[np.floating]) -> float:
    return float(np.mean(np.tensordot(values.astype(np.float64), fields.weights, 2)))


def _layer_temperature(fields: Fields, channels: Mapping[str, Channel]) -> Found:
    """The mean temperature of the layer between two geopotentials, against a temperature in or near it."""
    levels, temperatures = geopotentials(fields, channels), _on_levels(channels, "t")
    pairs = list(zip(levels, list(levels)[1:], strict=False))
    for lower, upper in pairs:
        near = min(temperatures, key=lambda level: abs(np.log(level * level / lower / upper)), default=None)
        if near is None or not upper * 0.8 <= near <= lower * 1.05:
            continue
        thickness = _area_mean(fields, levels[upper] - levels[lower])
        layer = thickness / (_GAS_CONSTANT * np.log(lower / upper))
        above = _SCALE_HEIGHT_M * np.log(near / np.sqrt(lower * upper))
        expected = _area_mean(fields, fields.values[temperatures[near]]) - _LAPSE * above * 0.85
        off = abs(layer - expected) / _LAYER_TOLERANCE_K
        words = f"{lower}-{upper} hPa of {layer:.0f} K by thickness, of {expected:.0f} K by {temperatures[near]}, "
        words += f"limit {_LAYER_TOLERANCE_K:.0f} K apart"
        measure = Measure("hydrostatic balance", _same(fields, off), words, limit=1.0)
        for name in {*_z_names(channels, (lower, upper)), temperatures[near]}:
            yield name, f"layer {lower}-{upper}", measure


def _z_names(channels: Mapping[str, Channel], levels: tuple[int, ...]) -> list[str]:
    found = _on_levels(channels, "z")
    return [found[level] for level in levels if level in found] + (["msl"] if 1000 not in found else [])


def _geostrophic(fields: Fields, channels: Mapping[str, Channel]) -> Found:
    """Winds against the gradient of geopotential: their ratio shows units, its sign a turned axis, the rest a swap."""
    levels = geopotentials(fields, channels)
    for short in ("u", "v") if levels else ():
        for level, name in {**_on_levels(channels, short), **_near_ground(channels, short)}.items():
            exact, phi = geopotential_at(levels, level)
            ratio, agreement, count = _agreement(fields, fields.values[name], phi, short, level)
            if count < 50 * _FEWEST:
                continue
            low, high = (0.25, 1.25) if name in ("u10", "v10") else (0.6, 1.5) if exact else (0.35, 2.6)
            middle = np.sqrt(low * high)
            off = abs(np.log(max(ratio, 1e-6) / middle)) / np.log(high / middle)
            words = f"{ratio:.2f} times the geostrophic wind, expected {low:.2f} to {high:.2f}"
            yield name, "geostrophic ratio", Measure("geostrophic balance", _same(fields, off), words, limit=1.0)
            words = f"correlation {agreement:.2f} with the geostrophic wind, limit 0.45"
            off = (1 - agreement) / 0.55
            yield name, "geostrophic agreement", Measure("geostrophic balance", _same(fields, off), words, limit=1.0)


def _near_ground(channels: Mapping[str, Channel], short: str) -> dict[int, str]:
    return {1000: f"{short}10"} if f"{short}10" in channels and f"{short}1000" not in channels else {}


def geopotential_at(levels: Mapping[int, NDArray[np.float32]], level: int) -> tuple[bool, NDArray[np.float32]]:
    """Interpolate geopotential in the logarithm of pressure.

    Args:
        levels: Geopotential by level, at least one.
        level: hPa.

    Returns:
        Whether the level lies between known ones, and the geopotential; beyond them, that of the nearest level.
    """
    below = min((one for one in levels if one >= level), default=None)
    above = max((one for one in levels if one <= level), default=None)
    if below is None or above is None:
        nearest = min(levels, key=lambda one: abs(np.log(one / level)))
        return False, levels[nearest]
    if below == above:
        return True, levels[level]
    share = np.float32(np.log(below / level) / np.log(below / above))
    return True, levels[below] + share * (levels[above] - levels[below])


def _agreement(
    fields: Fields, wind: NDArray[np.float32], phi: NDArray[np.float32], short: str, level: int
) -> tuple[float, float, int]:
    """Ratio of the wind to the geostrophic one by regression, their correlation, and the number of points compared."""
    rows, columns = np.deg2rad(fields.latitude), np.deg2rad(fields.longitude)
    if min(rows.size, columns.size) < 3:
        return 1.0, 1.0, 0
    coriolis = 2 * _ROTATION * np.sin(rows)[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        if short == "u":
            calculated = -np.gradient(phi, rows, axis=1) / (coriolis * _EARTH_RADIUS_M)
        else:
            calculated = np.gradient(phi, columns, axis=2) / (coriolis * _EARTH_RADIUS_M * np.cos(rows)[:, None])
    chosen = _comparable(fields, level)
    one, other = wind[:, chosen].astype(np.float64), calculated[:, chosen]
    if one.size == 0 or not np.isfinite(one).all() or not np.any(one):
        return 1.0, 1.0, 0
    product, squares = float(np.sum(one * other)), float(np.sum(other**2))
    return product / squares, product / float(np.sqrt(squares * np.sum(one**2))), one.size


def _comparable(fields: Fields, level: int) -> NDArray[np.bool_]:
    """Points off the tropics, the poles and the edges, and above the ground."""
    far = (np.abs(fields.latitude) > _TROPICS) & (np.abs(fields.latitude) < 75)
    chosen = np.repeat(far[:, None], fields.longitude.size, axis=1)
    chosen[[0, -1]], chosen[:, [0, -1]] = False, False
    if "orography" in fields.static and level > 600:
        chosen &= fields.static["orography"] < _HIGH_GROUND_M
    return chosen


def _order_of_levels(fields: Fields, channels: Mapping[str, Channel]) -> Found:
    """Temperature falls and zonal wind grows with height up to some 250 hPa, in the mean of an area."""
    warm = {level: name for level, name in _on_levels(channels, "t").items() if level >= 250}
    if "t2m" in channels and (not warm or next(iter(warm)) <= 900):
        warm = {1013: "t2m", **warm}
    for (lower, one), (upper, other) in zip(warm.items(), list(warm.items())[1:], strict=False):
        colder = _area_mean(fields, fields.values[one]) - _area_mean(fields, fields.values[other])
        steps = np.log(lower / upper)
        off = 1.0 - (colder - 2.0 * steps) / max(8.0 * steps, 1.0)
        words = f"{one} only {colder:.1f} K warmer than {other} in the mean, limit {2 * steps:.1f} K"
        for name in (one, other):
            yield name, f"{one} over {other}", Measure("order of levels", _same(fields, off), words, limit=1.0)
    yield from _order_of_winds(fields, _on_levels(channels, "u"))


def _order_of_winds(fields: Fields, winds: Mapping[int, str]) -> Found:
    used = {level: name for level, name in winds.items() if level >= 200}
    for (lower, one), (upper, other) in zip(used.items(), list(used.items())[1:], strict=False):
        if lower < 1.6 * upper:
            continue
        low, high = (np.sqrt(_area_mean(fields, fields.values[name] ** 2)) for name in (one, other))
        words = f"{other} of only {high:.1f} m s-1 rms over {one} of {low:.1f} m s-1, expected more above"
        for name in (one, other):
            yield name, f"{one} under {other}", Measure("order of levels", _same(fields, low / high), words, limit=1.0)


def _seasons(fields: Fields, channels: Mapping[str, Channel]) -> Found:
    """Off the tropics it is warmest in July in the north and in January in the south."""
    names = [*(["t2m"] if "t2m" in channels else []), *_on_levels(channels, "t").values()]
    if not names and "z500" in channels:
        names = ["z500"]
    names = [name for name in names if (channels[name].level_hpa or 1000) >= 400]
    days = fields.times.astype("datetime64[D]")
    phase = (days - days.astype("datetime64[Y]")).astype(int)
    north = np.cos(2 * np.pi * (phase - _WARMEST_DAY) / 365.25)
    if np.ptp(days).astype(int) < _SEASON_DAYS or np.ptp(north) < 0.6:
        return
    for name in names:
        for sign, where in ((1, "north"), (-1, "south")):
            rows = sign * fields.latitude > 25
            if rows.sum() < 2:
                continue
            mean = np.average(fields.values[name][:, rows].mean(axis=2), axis=1, weights=fields.weights[rows, 0])
            fit = float(np.corrcoef(mean, sign * north)[0, 1]) if np.ptp(mean) > 0 else -1.0
            words = f"correlation {fit:.2f} with the season in the {where}, limit -0.2"
            yield name, f"season {where}", Measure("dates", _same(fields, (1 - fit) / 1.2), words, limit=1.0)
