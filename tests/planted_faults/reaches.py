"""How far clean training years reach beyond what is usual: from this the reaches of all measures are chosen.

    python -m tests.planted_faults.reaches --data /path/to/shared/data

Each training year is judged with what the others have shown, and, in parts of several lengths, as a first ingest that
knows nothing but itself. Printed is how far the farthest value of each measure lies beyond the usual, in the distances
of `data_catalog.quality.measure.usual`, and for limits that are fixed, the largest share of the limit. A reach is
1.1 times the farthest, rounded up; precipitation has reaches of its own. No year from 2007 on is read, and of
North America nothing after March 2014.
"""

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from data_catalog.quality.channel_checks import Reference, measures_of
from data_catalog.quality.fields import Fields, joined
from data_catalog.quality.judge import SEGMENT, learn, sample
from data_catalog.quality.measure import Measure
from data_catalog.quality.measure import usual as usual_of
from data_catalog.quality.reference import is_skewed
from tests.planted_faults.campaign import open_years, reader

PARTS = {
    "erai": tuple((str(year), str(year)) for year in range(2000, 2007)),
    "ncep": tuple((str(year), str(year)) for year in range(2001, 2007)),
    "speedy": tuple((str(year), str(year)) for year in range(2001, 2007)),
    "america": (("2013", "2013"), ("2014-01", "2014-03")),
}
FIRST_INGESTS = (1.0, 0.5, 0.25, 0.17)
"""Shares of a part that are judged by themselves."""
A_YEAR = np.timedelta64(330, "D")
Found = Mapping[str, Mapping[str, Measure]]


def learned_from(fields: Fields, *, is_own: bool) -> tuple[Reference, Found]:
    """Learn, and measure the times that were learned from."""
    at = sample(np.arange(len(fields.times)), fields.latitude.size * fields.longitude.size)
    names = list(fields.values)
    reference = learn(reader(fields), names, at, is_own=is_own)
    return reference, measures_of(reader(fields.at(at)), names, np.arange(len(at)), reference)[0]


def beyond(reference: Reference, usual: Found, fields: Fields) -> Iterator[tuple[str, str, float]]:
    """Yield channel, measure and how far its farthest value lies beyond the usual."""
    names = list(fields.values)
    for start in range(0, len(fields.times), SEGMENT):
        chosen = np.arange(start, min(start + SEGMENT, len(fields.times)))
        found = measures_of(reader(fields), names, chosen, reference)[0]
        for name, measures in found.items():
            for kind, one in measures.items():
                if one.count and kind in usual[name]:
                    yield name, kind, reach_of(one, usual[name][kind])


def reach_of(found: Measure, usual: Measure) -> float:
    """How far the farthest value lies beyond the usual; of a fixed limit, the share of it."""
    farthest = float(np.nanmax(found.values))
    if found.limit is not None:
        return farthest / found.limit
    known = usual.values[np.isfinite(usual.values)]
    if farthest <= found.least or not known.size:
        return 0.0
    middle, distance = usual_of(known)
    return (float(np.log(farthest)) - middle) / distance


def farthest(parts: list[Fields]) -> dict[tuple[str, bool], float]:
    """How far each measure reaches in any of the parts; True for precipitation."""
    found: dict[tuple[str, bool], float] = {}
    for number, part in enumerate(parts):
        others = [*parts[:number], *parts[number + 1 :]]
        is_past = sum((np.ptp(one.times) for one in others), np.timedelta64(0, "h")) > A_YEAR
        cases = [(learned_from(joined(others), is_own=False), part)] if is_past else []
        for share in FIRST_INGESTS:
            count = max(60, int(share * len(part.times)))
            piece = part.at(slice((len(part.times) - count) // 2, (len(part.times) + count) // 2))
            cases.append((learned_from(piece, is_own=True), piece))
        for (reference, usual), fields in cases:
            for name, kind, reach in beyond(reference, usual, fields):
                key = (kind, is_skewed(name))
                found[key] = max(found.get(key, 0.0), reach)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="directory with erai/, ncep/ and speedy/")
    parser.add_argument("--datasets", nargs="+", default=list(PARTS), choices=list(PARTS))
    options = parser.parse_args()
    for name in options.datasets:
        parts = [open_years(options.data, name, first, last) for first, last in PARTS[name]]
        for (kind, is_rain), reach in sorted(farthest(parts).items()):
            print(f"{name} | {kind}{' of precipitation' if is_rain else ''} | {reach:.2f}", flush=True)


if __name__ == "__main__":
    main()
