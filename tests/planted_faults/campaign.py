"""Plant quality faults in good data at random, and count how many are found, and what is suspected in clean years.

    python -m tests.planted_faults.campaign --data /path/to/shared/data --each 3

Each fault is planted in a year that the limits were not drawn from, and judged with what earlier years have shown. It
is found if one of its channels is suspect at one of its times. Clean years are judged whole, also as a first ingest,
which knows nothing but itself. Limits are chosen by `tests.planted_faults.reaches`, on training years alone.
"""

import argparse
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import xarray as xr

from data_catalog.layout.canonical import canonicalise
from data_catalog.quality.channel_checks import Reference
from data_catalog.quality.fields import Fields, joined
from data_catalog.quality.judge import SEGMENT, judge, learn, sample
from data_catalog.quality.repeats import fingerprints
from data_catalog.quality.verdicts import Suspicion
from tests.planted_faults.faults import FAULTS, Fault, Planted

DATASETS = {
    "erai": "erai/erai_sweurope_msl_t850_z500_12utc_2000-01-01_2008-12-31.nc",
    "ncep": "ncep/ncep1_msl_natl_daily_2001-01-01_2008-12-31.nc",
    "america": "ncep/ncep1_northamerica_air995_6hourly_2013-2014.zarr",
    "speedy": "speedy/speedy_{}.nc",
}
PAST = {
    "erai": ("2000", "2006"),
    "ncep": ("2001", "2006"),
    "speedy": ("2004", "2006"),
    "america": ("2013-01", "2014-03"),
}
PLANTED_IN = {"erai": ("2007", "2007"), "ncep": ("2007", "2007"), "speedy": ("2007-01", "2007-04"),
              "america": ("2014-04", "2014-06")}  # fmt: skip
CLEAN = {
    "erai": ("2007", "2008"),
    "ncep": ("2007", "2008"),
    "speedy": ("2007", "2008"),
    "america": ("2014-04", "2014-12"),
}


def fields_of(analysis: xr.Dataset, step_hours: int) -> Fields:
    """Return an analysis in canonical layout as fields.

    Args:
        analysis: In canonical layout.
        step_hours: Hours between times.
    """
    loaded = analysis.load()
    timed = {str(name): field.values for name, field in loaded.items() if "time" in field.dims}
    static = {str(name): field.values for name, field in loaded.items() if "time" not in field.dims}
    latitude, longitude = (loaded[name].values.astype(float) for name in ("latitude", "longitude"))
    return Fields(loaded["time"].values, latitude, longitude, timed, static, step_hours)


def open_years(data: Path, name: str, first: str, last: str) -> Fields:
    """Open times of one of the datasets."""
    place = DATASETS[name]
    if name == "speedy":
        files = [data / place.format(year) for year in range(int(first[:4]), int(last[:4]) + 1)]
        parts = [canonicalise(xr.open_dataset(path)) for path in files]
        whole = xr.concat(parts, "time", data_vars="minimal").isel(time=slice(None, None, 2))
    else:
        whole = canonicalise(xr.open_dataset(data / place))
    return fields_of(whole.sel(time=slice(first, last)), 6 if name == "america" else 24)


@dataclass(frozen=True)
class Past:
    """Believed fields, and what they teach.

    Attributes:
        fields: The fields.
        reference: What is usual.
        known: Time of each fingerprint by channel.
    """

    fields: Fields
    reference: Reference
    known: dict[str, dict[str, np.datetime64]]


def learned(fields: Fields) -> Past:
    """Learn from believed fields."""
    points = fields.latitude.size * fields.longitude.size
    reference = learn(reader(fields), list(fields.values), sample(np.arange(len(fields.times)), points), is_own=False)
    known = {name: dict(zip(fingerprints(one), fields.times, strict=True)) for name, one in fields.values.items()}
    return Past(fields, reference, known)


def reader(whole: Fields):
    """Return a function that reads channels of fields in memory at positions."""
    return lambda at, names: replace(whole, times=whole.times[at], values={n: whole.values[n][at] for n in names})


def suspicions(fields: Fields, past: Past | None) -> list[Suspicion]:
    """Judge fields, with what is known of the past or, without it, by themselves."""
    names, count = list(fields.values), len(fields.times)
    points = fields.latitude.size * fields.longitude.size
    whole, first = (
        (fields, 0)
        if past is None
        else (joined([replace(past.fields.at(slice(-2, None)), static=fields.static), fields]), 2)
    )
    reference = past.reference if past else learn(reader(fields), names, sample(np.arange(count), points), is_own=True)
    known = past.known if past else {}
    found: list[Suspicion] = []
    for start in range(first, first + count, SEGMENT):
        chosen = np.arange(start, min(start + SEGMENT, first + count))
        beside = [at for at in (chosen[0] - 1, chosen[-1] + 1) if 0 <= at < len(whole.times)]
        judged = judge(reader(whole), names, chosen, reference, known=known, before=np.array(beside, np.intp))
        found += judged.suspicions
    return found


def is_found(planted: Planted, found: Sequence[Suspicion]) -> bool:
    """Whether a channel with the fault is suspect at a time with it."""
    times = set(planted.fields.times[planted.times].tolist())
    return any(
        one.channel in planted.channels and (one.time is None or one.time.astype("datetime64[ns]").item() in times)
        for one in found
    )


def plant(fault: Fault, size: float, number: int, fields: Fields) -> Planted | None:
    """Plant a fault at random; the same kind, size and number give the same."""
    rng = np.random.default_rng([zlib.crc32(fault.name.encode()), int(abs(size) * 100), number])
    return fault.plant(fields, rng, size)


def campaign(fields: Fields, past: Past | None, each: int) -> Iterator[tuple[str, float, int, int]]:
    """Yield of each kind and size how many faults were found and how many were planted."""
    for fault in FAULTS.values():
        for size in fault.sizes:
            made = [one for number in range(each) if (one := plant(fault, size, number, fields)) is not None]
            if made:
                yield fault.name, size, sum(is_found(one, suspicions(one.fields, past)) for one in made), len(made)


def clean_rates(fields: Fields, past: Past | None) -> tuple[int, int, int]:
    """Return how many times, and how many fields, are suspect in clean data, and how many fields there are."""
    found = suspicions(fields, past)
    return len({one.time for one in found}), len({(one.time, one.channel) for one in found}), _count(fields)


def _count(fields: Fields) -> int:
    return len(fields.times) * len(fields.values)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="directory with erai/, ncep/ and speedy/")
    parser.add_argument("--each", type=int, default=3, help="faults of each kind and size")
    parser.add_argument("--datasets", nargs="+", default=list(DATASETS), choices=list(DATASETS))
    options = parser.parse_args()
    for name in options.datasets:
        past = learned(open_years(options.data, name, *PAST[name]))
        clean = open_years(options.data, name, *CLEAN[name])
        for label, known in (("with a past", past), ("first ingest", None)):
            times, fields, of = clean_rates(clean, known)
            print(f"{name} | clean {CLEAN[name]}, {label} | {times} times, {fields} of {of} fields suspect", flush=True)
        for kind, size, found, planted in campaign(
            open_years(options.data, name, *PLANTED_IN[name]), past, options.each
        ):
            print(f"{name} | {kind} | {size:g} {FAULTS[kind].unit} | {found} of {planted}", flush=True)


if __name__ == "__main__":
    main()
