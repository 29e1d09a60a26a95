"""GRIB messages made by ecCodes, whose values say which place they belong to."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import eccodes
import numpy as np

Keys = Mapping[str, Any]
SMALL: Keys = {
    "Ni": 6,
    "Nj": 4,
    "latitudeOfFirstGridPointInDegrees": 60,
    "latitudeOfLastGridPointInDegrees": 30,
    "longitudeOfFirstGridPointInDegrees": 350,
    "longitudeOfLastGridPointInDegrees": 15,
    "iDirectionIncrementInDegrees": 5,
    "jDirectionIncrementInDegrees": 10,
}
"""4 rows from 60N to 30N, 6 columns from 10W to 15E."""
LATITUDE, LONGITUDE = np.arange(60.0, 29.0, -10.0), np.arange(-10.0, 16.0, 5.0)
BASES = {"t": 280.0, "2t": 280.0, "z": 5e4, "gh": 5.5e3, "msl": 1e5, "u": 5.0, "tp": 1.0, "lsm": 0.5, "prmsl": 1e5}


def weather(short_name: str, latitude: Any, longitude: Any, shift: float = 0.0) -> np.ndarray:
    """A value for each place, believable for the variable and exact in GRIB's packing to 1e-3."""
    scale = 1e-2 if short_name in ("lsm", "tp", "sst") else 0.1
    places = np.asarray(latitude) * 1.0 + np.mod(np.asarray(longitude) + 180.0, 360.0) * 0.05
    return np.asarray(BASES.get(short_name, 280.0) + scale * places + shift)


def message(
    short_name: str,
    *,
    edition: int = 2,
    sample: str = "regular_ll_sfc",
    shift: float = 0.0,
    values: np.ndarray | None = None,
    grid: Keys = SMALL,
    **keys: Any,
) -> bytes:
    """One message: a field of a short name, its keys set in the order given."""
    handle = eccodes.codes_grib_new_from_samples(f"{sample}_grib{edition}")
    try:
        before = {"dataDate": 20200101, "dataTime": 0, "dataType": "an", **grid}
        for key, value in {**before, "shortName": short_name, "bitsPerValue": 24, **keys}.items():
            eccodes.codes_set(handle, key, value)
        if values is None:
            values = weather(short_name, LATITUDE[:, None], LONGITUDE, shift)
        eccodes.codes_set_values(handle, np.asarray(values, np.float64).ravel())
        return bytes(eccodes.codes_get_message(handle))
    finally:
        eccodes.codes_release(handle)


def on_level(short_name: str, level: int, **keys: Any) -> bytes:
    """A field on a pressure level, hPa."""
    return message(short_name, sample="regular_ll_pl", level=level, **keys)


def members(short_name: str, numbers: range, **keys: Any) -> list[bytes]:
    """Fields of an ensemble, the first the control, 0.5 apart."""
    return [
        message(
            short_name,
            **{"productDefinitionTemplateNumber": 1, "dataType": "cf" if number == 0 else "pf", "number": number},
            shift=0.5 * number,
            **keys,
        )
        for number in numbers
    ]


def joined(messages: list[bytes]) -> bytes:
    """Fields of GRIB 2 that share all but their products and values, in one message."""
    first, *others = messages
    body = first[16:-4]
    for other in others:
        position = 16
        while position < len(other) - 4:
            size, number = int.from_bytes(other[position : position + 4], "big"), other[position + 4]
            body += other[position : position + size] if number >= 4 else b""
            position += size
    return first[:8] + (len(body) + 20).to_bytes(8, "big") + body + b"7777"


def write(path: Path, *messages: bytes) -> Path:
    """Write messages one after another."""
    path.write_bytes(b"".join(messages))
    return path
