"""Channels without time: orography and land fraction against each other and the Earth."""

from collections.abc import Callable, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from data_catalog.quality.fields import Fields

_LAND_TENTHS = (
    "999999999999999965554899999997878999", "999999999999999960001455556634011467",
    "000023202243343100000000000002000000", "000000000000000000000000000021000000",
    "000000000000001002000000000044000000", "013000000002337101000000000039400000",
    "059420000005999200000000000009940000", "079830000000453000000000000049991000",
    "089900000034134000000000000099983000", "499970001123100000000000000089500015",
    "999863051370100000000000013310000069", "999797499996100000000000172200000049",
    "634798999999230000000001899920000007", "678688999999952000000004999993100004",
    "468999999999981210011029998577200004", "168867989999999888249999888353183110",
    "021002114674323100001001334833699800", "000000000000000000000000000242234310",
)  # fmt: skip
"""Land in cells of 10 degrees, in ninths, from the south and from Greenwich eastward (climt 0.18, BSD)."""
_HIGHEST_ON_THE_GLOBE_M = (1500.0, 8900.0)
_TURNS: Mapping[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]] = {
    "turned north to south": lambda one: one[::-1],
    "mirrored east to west": lambda one: one[:, ::-1],
    "turned by 180 degrees of longitude": lambda one: np.roll(one, one.shape[1] // 2, 1),
    "inverted": lambda one: -one,
}


def static_faults(fields: Fields) -> Iterator[tuple[str, str]]:
    """Yield the faults of channels without time.

    Args:
        fields: Holds them.

    Yields:
        Name of the channel, and what is wrong with it.
    """
    for name in ("orography", "lsm"):
        if name in fields.static and fields.is_global:
            yield from ((name, fault) for fault in _on_the_globe(name, fields))
    if {"orography", "lsm"} <= set(fields.static):
        yield from _high_sea(fields.static)


def count_static(fields: Fields) -> int:
    """Number of channels without time that can be compared with anything."""
    known = {"orography", "lsm"} & set(fields.static)
    return len(known) if fields.is_global or len(known) == 2 else 0


def _on_the_globe(name: str, fields: Fields) -> Iterator[str]:
    field = np.nan_to_num(fields.static[name].astype(np.float64))
    if np.ptp(field) == 0:
        yield f"the same value everywhere, {field[0, 0]:g}"
        return
    land = land_shares(fields.latitude, fields.longitude)
    as_is = _fit(field, land)
    turned = {words: _fit(turn(field), land) for words, turn in _TURNS.items()}
    best = max(turned, key=lambda words: turned[words])
    if turned[best] > as_is:
        yield f"fits the Earth's land better {best} (correlation {turned[best]:.2f} instead of {as_is:.2f})"
    low, high = _HIGHEST_ON_THE_GLOBE_M
    if name == "orography" and not low <= field.max() <= high:
        yield f"highest point of {field.max():.0f} m, expected {low:.0f} to {high:.0f} m"


def _high_sea(static: Mapping[str, NDArray[np.float32]]) -> Iterator[tuple[str, str]]:
    high = static["orography"] > 500
    if high.sum() >= 5 and float(static["lsm"][high].mean()) < 0.5:
        share = float(static["lsm"][high].mean())
        yield "lsm", f"a land fraction of {share:.2f} on ground above 500 m, expected at least 0.5"


def land_shares(latitude: NDArray[np.float64], longitude: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of land in the 10 degrees around each point, (latitude, longitude).

    Args:
        latitude: Degrees.
        longitude: Degrees.
    """
    cells = np.array([[int(digit) for digit in row] for row in _LAND_TENTHS]) / 9
    rows = np.clip((latitude + 90) // 10, 0, 17).astype(int)
    return np.asarray(cells[np.ix_(rows, (longitude % 360 // 10).astype(int))])


def _fit(field: NDArray[np.float64], land: NDArray[np.float64]) -> float:
    return float(np.corrcoef(field.ravel(), land.ravel())[0, 1])
