"""Files as NOAA's buckets have them: messages of NCEP with the index of wgrib2 beside, in its exact spelling."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tests.data_catalog.sources.grib.test_inventory import FIELDS, coded
from tests.data_catalog.sources.grib.writing import LATITUDE, LONGITUDE, joined, weather

TYPICAL = {
    "z500": 5500.0, "t850": 275.0, "u250": 20.0, "v250": -5.0, "q850": 0.005, "msl": 1.01e5, "t2m": 285.0, "u10": 3.0,
    "lsm": 0.5, "orography": 300.0,
}  # fmt: skip


def value(channel: str, number: int) -> np.ndarray:
    """Values of a channel at the so-manieth time, from north to south, in the unit of the file."""
    spread = 1e-4 if channel in ("q850", "lsm") else 1.0
    shape = weather("t", LATITUDE[:, None], LONGITUDE) - 280.0
    return np.asarray(TYPICAL[channel] + spread * (0.1 * shape + number))


def put(
    root: Path,
    path: str,
    start: np.datetime64,
    number: int,
    channels: Sequence[str],
    *,
    ensemble: str = "",
    member: int = 0,
) -> None:
    """Write one file and its index: the wanted fields and others, the winds at 250 hPa in one message.

    Args:
        root: Directory that is served.
        path: Path of the file.
        start: Time of the analysis.
        number: Number of the time.
        channels: Fields to write.
        ensemble: What the index says of the member, such as `ENS=low-res ctl`.
        member: Its number.
    """
    day, hour = str(start.astype("M8[D]")).replace("-", ""), int(start.astype(int) % 24)
    keys = {"dataDate": int(day), "dataTime": 100 * hour}
    if ensemble:
        keys |= {
            "productDefinitionTemplateNumber": 1,
            "typeOfEnsembleForecast": 3 if member else 1,
            "perturbationNumber": member,
        }
    content, lines = b"", list[str]()
    winds = list[bytes]()
    for channel, variable, level, *numbers in FIELDS:
        if channel not in channels:
            continue
        static = channel in ("lsm", "orography")
        one = coded(*numbers, values=value(channel, 0 if static else number), **keys)
        label = str(len(lines) + 1)
        if channel in ("u250", "v250") and {"u250", "v250"} <= set(channels):
            winds.append(one)
            label = f"{len(lines) + 2 - len(winds)}.{len(winds)}"
        lines.append(f"{label}:{len(content)}:d={day}{hour:02d}:{variable}:{level}:anl:{ensemble}")
        if label.endswith(".1"):
            continue
        content += joined(winds) if label.endswith(".2") else one
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    Path(f"{file}.idx").write_text("\n".join(lines) + "\n")
