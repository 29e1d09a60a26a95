"""Damage archives at random, and count how many damages are found and mended to the byte.

    python -m tests.archive_damage.campaign --seeds 1000

Each seed copies a small archive that three ingests made and damages it: a file or folder is deleted, cut short,
overwritten, swapped, put back as it was earlier; a line of the ledger is lost, repeated, moved or altered. A damage is
found if the proof of the archive names a fault, and if reading gives an error or the right values, never others. Every
tenth seed kills an ingest instead, at a random one of its writes.
"""

import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import xarray as xr

from data_catalog.archive.healing import archive_faults, heal_archive
from data_catalog.archive.ingest import ingest
from data_catalog.archive.reading import open_archive
from data_catalog.errors import PlumecastError
from tests.archive_damage.damages import DAMAGES, Earlier, contents
from tests.archive_damage.tiny import ENTRY, PARTS, make_analysis, small_blocks

KILLED = "kill an ingest"
_EVERY = 10
_LEDGERS = ("ledger.jsonl", "ledger.copy.jsonl", "zarr.json")


@dataclass(frozen=True)
class Outcome:
    """What came of a seed.

    Attributes:
        seed: Seed of the damage.
        kind: Name of the damage.
        what: What was damaged.
        fault: What should not be; empty if the damage was found and mended to the byte.
    """

    seed: int
    kind: str
    what: str
    fault: str


def make_archive(path: Path) -> Earlier:
    """Make the archive that is damaged, in three ingests.

    Args:
        path: Directory to create.

    Returns:
        The files before the last ingest.
    """
    earlier = Earlier({})
    for start, stop in PARTS:
        earlier = Earlier(contents(path)) if path.exists() else earlier
        ingest(ENTRY, make_analysis().isel(time=slice(start, stop)), path)
    return earlier


def run_seed(seed: int, whole: Path, earlier: Earlier, directory: Path) -> Outcome:
    """Damage a copy of an archive, and see whether it is found and mended.

    Args:
        seed: Selects the damage.
        whole: The sound archive.
        earlier: Files of it before the last ingest.
        directory: Empty.
    """
    rng = random.Random(seed)
    archive = directory / whole.name
    if seed % _EVERY == 0:
        step = _ingest_killed(rng, archive)
        return Outcome(seed, KILLED, f"write {step}", _killed_fault(archive, whole))
    shutil.copytree(whole, archive)
    damage = rng.choice(DAMAGES)
    what = damage(rng, archive, earlier)
    return Outcome(seed, damage.__name__, what, _damage_fault(archive, whole))


def _damage_fault(archive: Path, whole: Path) -> str:
    """What is wrong with how a damage was treated; empty if nothing is."""
    if contents(archive) == contents(whole):
        return ""  # two flips of one bit, or a repeated line that was lost
    if not archive_faults(archive):
        return "not found"
    wrong = _wrong_values(archive)
    if wrong:
        return wrong
    try:
        heal_archive(ENTRY, archive, make_analysis)
    except PlumecastError as error:
        return f"not mended: {error}"
    healed, right = contents(archive), contents(whole)
    differing = [name for name in healed.keys() | right.keys() if healed.get(name) != right.get(name)]
    return f"not mended to the byte: {sorted(differing)}" if differing else ""


def _killed_fault(archive: Path, whole: Path) -> str:
    wrong = _wrong_values(archive)
    if wrong:
        return wrong
    for start, stop in PARTS:
        ingest(ENTRY, make_analysis().isel(time=slice(start, stop)), archive)
    if archive_faults(archive):
        return "faults are left"
    resumed, right = contents(archive), contents(whole)
    differing = [
        name for name in resumed.keys() | right.keys() if name not in _LEDGERS and resumed.get(name) != right.get(name)
    ]
    return f"other bytes once resumed: {sorted(differing)}" if differing else ""


def _wrong_values(archive: Path) -> str:
    """Whether reading gives values that were not ingested; an error is right."""
    try:
        found = open_archive(archive).load()
    except PlumecastError:
        return ""
    expected = make_analysis().sel(time=found["time"])
    same = all(found[name].values.tobytes() == expected[name].values.tobytes() for name in expected.data_vars)
    return "" if same and _places_are_right(found, expected) else "wrong values were read"


def _places_are_right(found: xr.Dataset, expected: xr.Dataset) -> bool:
    return all(found[name].equals(expected[name]) for name in ("latitude", "longitude", "time"))


def _ingest_killed(rng: random.Random, archive: Path) -> int:
    """Kill an ingest in a process of its own just before a random one of its durable writes."""
    step = rng.randint(1, 150)
    child = os.fork()
    if child == 0:
        try:
            _kill_at(step)
            make_archive(archive)
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    return step


def _kill_at(step: int) -> None:
    count = 0
    original = os.fsync

    def counted(descriptor: int) -> None:
        nonlocal count
        count += 1
        if count == step:
            os.kill(os.getpid(), signal.SIGKILL)
        original(descriptor)

    os.fsync = counted


def run_seeds(seeds: range) -> list[Outcome]:
    """Run seeds, each in a directory of its own that is removed.

    Args:
        seeds: The seeds.
    """
    place = Path(tempfile.mkdtemp(prefix="archive-damage-"))
    try:
        whole = place / "whole" / "tiny.zarr"
        earlier = make_archive(whole)
        outcomes = []
        for seed in seeds:
            directory = place / str(seed)
            directory.mkdir()
            outcomes.append(run_seed(seed, whole, earlier, directory))
            shutil.rmtree(directory)
        return outcomes
    finally:
        shutil.rmtree(place)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--start", type=int, default=0, help="first seed")
    parser.add_argument("--seeds", type=int, default=1000, help="how many")
    given = parser.parse_args()
    small_blocks()
    outcomes = run_seeds(range(given.start, given.start + given.seeds))
    wrong = [one for one in outcomes if one.fault]
    for one in wrong:
        print(f"seed {one.seed}: {one.kind}: {one.what}: {one.fault}")
    every, right = Counter(one.kind for one in outcomes), Counter(one.kind for one in outcomes if not one.fault)
    for kind in sorted(every):
        print(f"{kind:26}{right[kind]:6d} of {every[kind]}")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
