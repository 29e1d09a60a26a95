"""Damage archives at random, and count how many damages are found and mended to the byte.

    python -m tests.archive_damage.campaign --seeds 1000

Each seed copies a small archive that three ingests made and damages it: a file or folder is deleted, cut short,
overwritten, swapped, put back as it was earlier; a line of the ledger is lost, repeated, moved or altered. A damage is
found if the proof of the archive names a fault, and if reading gives an error or the right values, never others. Every
tenth seed kills an ingest instead, at a random one of its writes. The seed also selects the form of the archive: of
single analyses or of three members, with or without holes, with or without a twin for point series.
"""

import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from data_catalog.archive.healing import archive_faults, heal_archive
from data_catalog.archive.series import series_faults
from data_catalog.errors import PlumecastError
from tests.archive_damage.damages import DAMAGES, Earlier, contents
from tests.archive_damage.forms import ARCHIVE, FORMS, Form, chosen_form
from tests.archive_damage.tiny import small_blocks

KILLED = "kill an ingest"
_EVERY = 10
_LEDGERS = tuple(f"{ARCHIVE}/{name}" for name in ("ledger.jsonl", "ledger.copy.jsonl", "zarr.json"))
_FEWEST_WRITES, _WRITES_OF_TWINS = 105, 95
"""At least, of the making of an archive of any form."""


@dataclass(frozen=True)
class Outcome:
    """What came of a seed.

    Attributes:
        seed: Seed of the damage.
        form: Form of the archive.
        kind: Name of the damage.
        what: What was damaged.
        fault: What should not be; empty if the damage was found and mended to the byte.
    """

    seed: int
    form: str
    kind: str
    what: str
    fault: str


def run_seed(seed: int, whole: Mapping[Form, Path], earlier: Mapping[Form, Earlier], directory: Path) -> Outcome:
    """Damage a copy of an archive, and see whether it is found and mended.

    Args:
        seed: Selects the form of the archive and the damage.
        whole: Directory of the sound archive of each form, and of its twin.
        earlier: Their files before the last ingest.
        directory: To be created.
    """
    rng = random.Random(seed)
    form = chosen_form(rng)
    if seed % _EVERY == 0:
        step = _ingest_killed(rng, form, directory)
        return Outcome(seed, form.name, KILLED, f"write {step}", _killed_fault(form, directory, whole[form]))
    shutil.copytree(whole[form], directory)
    damage = rng.choice(DAMAGES)
    what = damage(rng, directory, earlier[form])
    return Outcome(seed, form.name, damage.__name__, what, _damage_fault(form, directory, whole[form]))


def _damage_fault(form: Form, place: Path, whole: Path) -> str:
    """What is wrong with how a damage was treated; empty if nothing is."""
    if contents(place) == contents(whole):
        return ""  # two flips of one bit, or a repeated line that was lost
    archive = place / ARCHIVE
    if not archive_faults(archive) and not series_faults(archive):
        return "not found"
    if form.has_wrong_values(place):
        return "wrong values were read"
    try:
        heal_archive(form.entry, archive, form.whole)
    except PlumecastError as error:
        return f"not mended: {error}"
    healed, right = contents(place), contents(whole)
    differing = [name for name in healed.keys() | right.keys() if healed.get(name) != right.get(name)]
    return f"not mended to the byte: {sorted(differing)}" if differing else ""


def _killed_fault(form: Form, place: Path, whole: Path) -> str:
    if form.has_wrong_values(place):
        return "wrong values were read"
    form.make(place)
    if archive_faults(place / ARCHIVE) or series_faults(place / ARCHIVE):
        return "faults are left"
    resumed, right = contents(place), contents(whole)
    differing = [
        name for name in resumed.keys() | right.keys() if name not in _LEDGERS and resumed.get(name) != right.get(name)
    ]
    return f"other bytes once resumed: {sorted(differing)}" if differing else ""


def _ingest_killed(rng: random.Random, form: Form, place: Path) -> int:
    """Kill an ingest in a process of its own just before a random one of its durable writes."""
    step = rng.randint(1, _FEWEST_WRITES + _WRITES_OF_TWINS * form.twin)
    child = os.fork()
    if child == 0:
        try:
            _kill_at(step)
            form.make(place)
        finally:
            os._exit(0)
    status = os.waitpid(child, 0)[1]
    assert os.WTERMSIG(status) == signal.SIGKILL, f"write {step} of {form.name}: the ingest was not killed"
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
        whole = {form: place / form.name for form in FORMS}
        earlier = {form: form.make(whole[form]) for form in FORMS}
        outcomes = []
        for seed in seeds:
            directory = place / str(seed)
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
        print(f"seed {one.seed}: {one.form}: {one.kind}: {one.what}: {one.fault}")
    _print_counts(outcomes, [one.kind for one in outcomes])
    _print_counts(outcomes, [one.form for one in outcomes])
    return int(bool(wrong))


def _print_counts(outcomes: list[Outcome], keys: list[str]) -> None:
    """Print for each key how many damages were found and mended, and how many there were."""
    every = Counter(keys)
    right = Counter(key for key, one in zip(keys, outcomes, strict=True) if not one.fault)
    for key in sorted(every):
        print(f"{key:26}{right[key]:6d} of {every[key]}")


if __name__ == "__main__":
    sys.exit(main())
