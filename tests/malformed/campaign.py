"""Spoil files of every kind at random, and count what their readers make of each.

    python -m tests.malformed.campaign --files 600 --seed 0 --out DIR

System and dataset files, manifests, checks, scores, ledgers, logs, the registry, checkpoints, NetCDF analyses and
forecasts: truncated, with bits flipped, bytes left out or put in, values of other types, absurd sizes, paths that lead
elsewhere. Each file is read in a process of its own. It must be refused in one line, or read; a traceback, a crash, a
hang, memory without bounds and a file that is written outside the world are faults.
"""

import argparse
import json
import os
import random
import resource
import shutil
import signal
import sys
import traceback
import warnings
from collections import Counter
from pathlib import Path

from data_catalog.errors import PlumecastError
from tests.chaos.world import World
from tests.malformed.kinds import KINDS, Kind, prepared
from tests.malformed.mutations import mutate

MOST_SECONDS = 60
MOST_BYTES = 2 << 30
"""What a reader may take beyond what this process has; the true files take a few megabytes."""
LONGEST_LINE = 2000
SHOWN_EVERY = 28


def outcome_of(kind: Kind, world: World, says: Path) -> str:
    """Read a file in a child process; return `refused`, `read`, or what is wrong.

    Args:
        kind: The kind of the file.
        world: Where it lies.
        says: File for what the child says, outside the world.
    """
    child = os.fork()
    if child == 0:
        _read(kind, world, says)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return f"ended by {signal.Signals(os.WTERMSIG(status)).name}"
    return says.read_text(errors="replace")


def _read(kind: Kind, world: World, says: Path) -> None:
    """Read a file, say what came of it, and end the process."""
    warnings.simplefilter("ignore")
    taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (taken + MOST_BYTES,) * 2)
    signal.alarm(MOST_SECONDS)
    os.chdir(world.root)
    try:
        kind.read(world)
        outcome = "read"
    except PlumecastError as error:
        line = str(error)
        is_clear = line and "\n" not in line and len(line) < LONGEST_LINE
        outcome = "refused" if is_clear else f"no clear line: {line[:300]}"
    except BaseException:
        outcome = traceback.format_exc()
    says.write_text(outcome, errors="replace")
    os._exit(0)


def _prepare(root: Path) -> None:
    """Make the sound world in a child process: this one must stay without threads, which no child would have."""
    child = os.fork()
    if child == 0:
        try:
            prepared(root)
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert status == 0, f"{root}: expected to be made, found status {status}"


def outside(root: Path) -> set[str]:
    """Return what lies beside the worlds, and where mutations try to write."""
    return {str(path) for path in root.iterdir()} | {str(path) for path in Path("/tmp").glob("plumecast-escaped*")}


def campaign(root: Path, files: int, seed: int, kinds: list[Kind] = KINDS) -> tuple[dict[str, Counter[str]], list[str]]:
    """Spoil files, and read each.

    Args:
        root: Directory that is empty or does not exist yet.
        files: How many, divided among the kinds in turn.
        seed: Selects what is done to each.
        kinds: The kinds of files.

    Returns:
        Outcomes by kind, and a line for each fault.
    """
    sound, spoilt, says = World(root / "sound"), World(root / "spoilt"), root / "says"
    _prepare(sound.root)
    counts: dict[str, Counter[str]] = {kind.name: Counter() for kind in kinds}
    says.touch()
    sound.copied_to(spoilt.root)
    for kind in kinds:
        told = outcome_of(kind, spoilt, says)
        assert told == "read", f"{kind.name}: expected the sound file to be read, found {told}"
    faults = []
    before = outside(root)
    for number in range(files):
        kind = kinds[number % len(kinds)]
        shutil.rmtree(spoilt.root)
        sound.copied_to(spoilt.root)
        how = mutate(kind.path(spoilt), random.Random(seed * 1_000_003 + number))
        told = outcome_of(kind, spoilt, says)
        found = outside(root) - before
        if found:
            told = f"written outside: {sorted(found)}"
        counts[kind.name][told if told in ("refused", "read") else "fault"] += 1
        if told not in ("refused", "read"):
            faults.append(f"{number}: {kind.name}, {how}: {told.strip()}")
            print(faults[-1], flush=True)
        if number % SHOWN_EVERY == SHOWN_EVERY - 1:
            print(f"{number + 1} files: {dict(sum(counts.values(), Counter()))}", flush=True)
    return counts, faults


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=600)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--kind", help="only kinds with this word in their name")
    asked = parser.parse_args()
    kinds = [kind for kind in KINDS if (asked.kind or "") in kind.name]
    out = asked.out.absolute()
    counts, faults = campaign(out, asked.files, asked.seed, kinds)
    (out / "counts.json").write_text(json.dumps({name: dict(count) for name, count in counts.items()}, indent=1))
    print((out / "counts.json").read_text())
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
