"""Kill processes of cycles at random moments, again and again, and look at what is left.

    python -m tests.chaos.campaign --cycles 200 --seed 0 --out DIR

Each cycle of a tiny system is made through the command line in one of the ways of `tests.chaos.ways`: in one process,
by two torch ranks, with Dask's workers of its own or of a cluster, or by the worker of a Prefect work pool. `kill -9`
ends one of its processes at a random moment: flow, Prefect server, rank, Dask worker or scheduler, pool worker. Then it
is run until it is published. At the end every cycle must be published once, with the same values bit by bit as in a
world where nothing was killed; the ledger must explain every cycle; no process and no working file may be left. A
campaign continues where it was interrupted; `kills.json` tells what was killed in each cycle.
"""

import argparse
import json
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import netCDF4
import numpy as np
import psutil

from forecast.products.files.proof import prove_run
from forecast.products.files.runs import RunDirectory
from pipelines.data.ingest import ingest_new
from pipelines.operations.cycle_ledger import CycleLedger
from pipelines.operations.cycle_states import DONE
from pipelines.operations.cycles import states_at_home
from pipelines.runs import staging
from pipelines.runs.cycle import cycle_at_home
from pipelines.runs.forecast import make_members
from pipelines.runs.inputs import open_inputs
from pipelines.workspace.systems import find_system
from tests.chaos.ways import KINDS, WAYS, Attempt, Standing, passing, processes_of
from tests.chaos.world import FIRST, NAME, World, make_world

MOST_TRIES = 5
GONE_SECONDS = 20.0
"""How long what a cycle started may take to notice that the cycle was killed."""
HANGS_SECONDS = 1800.0
JUST_STARTED_SECONDS = 5.0
"""Within this time after a process of the drawn kind is there, it is killed."""


@dataclass
class Counts:
    """What a campaign counts.

    Attributes:
        cycles: Cycles made.
        killed: Kills by way and kind of process.
        survived: Attempts by way that ended before one of their processes was to be killed.
    """

    cycles: int
    killed: Counter[tuple[str, str]]
    survived: Counter[str]


def kill_one(world: World, kind: str, rng: random.Random) -> bool:
    """Kill a random process of a kind in a world; return whether there was one."""
    candidates = [process for each, process in processes_of(world) if each == kind]
    if not candidates:
        return False
    try:
        rng.choice(candidates).send_signal(signal.SIGKILL)
    except psutil.Error:
        return False
    return True


@dataclass(frozen=True)
class Hunter:
    """Kills processes of the cycles of a world.

    Attributes:
        world: The world.
        standing: What makes its cycles.
        rng: Draws kinds, moments and processes.
        longest: Seconds within which the moment of a kill lies.
    """

    world: World
    standing: Standing
    rng: random.Random
    longest: float

    def make_cycle(self, way: str, init: str, kills: int) -> list[str | None]:
        """Make one cycle, killing a process in each of its first attempts, until it is published.

        Args:
            way: How it is made.
            init: Init time.
            kills: Attempts that are disturbed.

        Returns:
            What was killed in each of these; None where the attempt ended before.
        """
        killed = []
        for number in range(kills + MOST_TRIES):
            attempt = self.standing.attempt(way, init)
            if number < kills:
                killed.append(self._disturb(attempt, way))
            status = attempt.wait(HANGS_SECONDS)
            if number >= kills and status == 0:
                return killed
        raise AssertionError(f"{init}: expected to be made within {MOST_TRIES} tries, found status {status}")

    def _disturb(self, attempt: Attempt, way: str) -> str | None:
        kind = self.rng.choice(KINDS[way])
        if _ended(attempt, self.rng.uniform(0.1, self.longest)):
            return None
        while not any(each == kind for each, _ in processes_of(self.world)):
            if _ended(attempt, 0.1):
                return None
        if _ended(attempt, self.rng.uniform(0.0, JUST_STARTED_SECONDS)) or not kill_one(self.world, kind, self.rng):
            return None
        if kind == "flow":
            self._expect_no_orphan(way)
        return kind

    def _expect_no_orphan(self, way: str) -> None:
        deadline = time.monotonic() + GONE_SECONDS
        while passing(self.world, way) and time.monotonic() < deadline:
            time.sleep(0.2)
        left = [" ".join(process.cmdline()) for process in passing(self.world, way)]
        assert not left, f"expected no process to outlive its cycle, found {left}"


def _ended(attempt: Attempt, seconds: float) -> bool:
    """Whether an attempt ends within some time."""
    try:
        attempt.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def values_of(forecast: Path) -> dict[str, bytes]:
    """Return the stored values of each field of a forecast file."""
    with netCDF4.Dataset(forecast) as stored:
        stored.set_auto_maskandscale(False)
        return {name: stored.variables[name][:].tobytes() for name in ("msl", "t2m")}


def undisturbed(world: World, init: str) -> dict[str, bytes]:
    """Return the values that a cycle has if nothing is killed.

    Args:
        world: A world of its own.
        init: Init time.
    """
    system = find_system(str(world.system), world.home)
    ingest_new(world.home, system.entry)
    cycle = cycle_at_home(world.home, system, np.datetime64(init, "ns"))
    make_members(cycle, open_inputs(cycle))
    return values_of(staging.staged(cycle.run).forecast)


def faults_of(world: World, calm: World, inits: list[str]) -> list[str]:
    """Return what is wrong in a world after its cycles; empty if nothing is.

    Args:
        world: Where processes were killed.
        calm: Where none was.
        inits: Init times of all cycles.
    """
    faults = []
    ledger = CycleLedger.read(world.home.cycle_ledger(NAME))
    states = {str(state.init_time)[:10]: state for state in states_at_home(world.home, NAME, ledger)}
    for init in inits:
        run = RunDirectory(world.home.runs, NAME, np.datetime64(init, "ns"))
        prove_run(run.path)
        if values_of(run.forecast) != undisturbed(calm, init):
            faults.append(f"{init}: other values than without kills")
        if init not in states or states[init].state not in DONE:
            faults.append(f"{init}: expected published, found {states.get(init)}")
        faults += [f"{path}: left behind" for path in staging.working_directories(run) if path.exists()]
    faults += [f"{init}: in the ledger, never asked for" for init in states if init not in inits]
    faults += [f"{kind} {process}: still runs" for kind, process in processes_of(world)]
    faults += [f"{path}: left behind" for path in world.home.root.rglob("*.partial*")]
    return faults


def campaign(
    root: Path, cycles: int, seed: int, *, kills: int = 1, longest: float = 40.0, ways: Sequence[str] = WAYS
) -> Counts:
    """Run or continue a campaign.

    Args:
        root: Directory of both worlds.
        cycles: Number of cycles.
        seed: Seed of kinds, moments and processes.
        kills: Attempts of each cycle that are disturbed.
        longest: Seconds within which the moment of a kill lies.
        ways: How cycles are made, in turn.

    Raises:
        AssertionError: Something is wrong.
    """
    calm, wild = World(root / "calm"), World(root / "wild")
    if not calm.root.exists():
        make_world(calm.root).copied_to(wild.root)
    inits, standing = [str(FIRST + day) for day in range(cycles)], Standing(wild)
    try:
        for number in range(len(_made(root)), cycles):
            hunter = Hunter(wild, standing, random.Random(seed * 1_000_003 + number), longest)
            way, begun = ways[number % len(ways)], time.monotonic()
            wild.reach(FIRST + number)
            killed = hunter.make_cycle(way, inits[number], kills)
            _note(root, inits[number], way, killed)
            print(f"{inits[number]}: {way}, killed {killed}, {time.monotonic() - begun:.0f} s", flush=True)
    finally:
        standing.end()
    calm.reach(FIRST + cycles)
    faults = faults_of(wild, calm, inits)
    assert not faults, "; ".join(faults)
    return counts_of(root)


def _made(root: Path) -> list[str]:
    """Init times of the cycles that are made."""
    done = root / "done.json"
    return list(json.loads(done.read_text())) if done.exists() else []


def _note(root: Path, init: str, way: str, killed: Sequence[str | None]) -> None:
    kills, made = root / "kills.json", _made(root)
    known = json.loads(kills.read_text()) if kills.exists() else {}
    kills.write_text(json.dumps(known | {init: {"way": way, "killed": killed}}))
    (root / "done.json").write_text(json.dumps([*made, init]))


def counts_of(root: Path) -> Counts:
    """Count what was killed in the cycles of a campaign, also before it was continued."""
    counts = Counts(len(_made(root)), Counter(), Counter())
    for cycle in json.loads((root / "kills.json").read_text()).values():
        for kind in cycle["killed"]:
            if kind is None:
                counts.survived[cycle["way"]] += 1
            else:
                counts.killed[cycle["way"], kind] += 1
    return counts


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cycles", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kills", type=int, default=1, help="attempts of each cycle that are disturbed")
    parser.add_argument("--longest", type=float, default=40.0, help="seconds within which a kill comes")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=WAYS, help="how cycles are made, in turn")
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    counts = campaign(
        asked.out.absolute(), asked.cycles, asked.seed, kills=asked.kills, longest=asked.longest, ways=asked.ways
    )
    for (way, kind), number in sorted(counts.killed.items()):
        print(f"{way}: {kind} killed {number} times")
    print(
        f"{counts.cycles} cycles, {counts.killed.total()} kills, {counts.survived.total()} too late: all published once"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
