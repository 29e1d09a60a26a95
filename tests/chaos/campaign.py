"""Kill processes of cycles at random moments, again and again, and look at what is left.

    python -m tests.chaos.campaign --cycles 200 --seed 0 --out DIR

Each cycle of a tiny system is made by `plumecast cycle`, and `kill -9` ends a random one of its processes (flow or
Prefect server) at a random moment; then it is run until it is published. At the end every cycle must be published
once, with the same values bit by bit as in a world where nothing was killed; the ledger must explain every cycle; no
process and no working file may be left. A campaign continues where it was interrupted.
"""

import argparse
import json
import random
import signal
import subprocess
import sys
import time
from collections import Counter
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
from tests.chaos.world import FIRST, NAME, World, make_world

MOST_TRIES = 5
GONE_SECONDS = 20.0
"""How long a server may take to notice that its flow was killed."""


@dataclass
class Counts:
    """What a campaign counts.

    Attributes:
        cycles: Cycles made.
        killed: Kills by the command line of the process.
        survived: Runs of the command that ended before they were to be killed.
    """

    cycles: int
    killed: Counter[str]
    survived: int


def processes_of(world: World) -> list[psutil.Process]:
    """Return the living processes whose home is a world, oldest first."""
    found = []
    for process in psutil.process_iter(["create_time"]):
        try:
            if process.status() != psutil.STATUS_ZOMBIE and process.environ().get("HOME") == str(world.root):
                found.append(process)
        except psutil.Error:
            continue
    return sorted(found, key=lambda process: process.info["create_time"])


def kill_one(world: World, rng: random.Random) -> str | None:
    """Kill a random process of a world; return what it was, or None if there is none."""
    candidates = processes_of(world)
    if not candidates:
        return None
    process = rng.choice(candidates)
    try:
        words = " ".join(process.cmdline())
        process.send_signal(signal.SIGKILL)
    except psutil.Error:
        return None
    return next((name for name in ("prefect server", "uvicorn", "pipelines cycle") if name in words), "other")


def make_cycle(world: World, init: str, rng: random.Random, kills: int, longest: float, counts: Counts) -> None:
    """Make one cycle, killing a process in each of its first runs, until it is published.

    Args:
        world: The world.
        init: Init time.
        rng: Draws moments and processes.
        kills: Runs of the command that are killed.
        longest: Seconds within which the moment of a kill lies.
        counts: Counts on.
    """
    run = RunDirectory(world.home.runs, NAME, np.datetime64(init, "ns"))
    for attempt in range(kills + MOST_TRIES):
        command = world.command("cycle", str(world.system), "--init", init)
        if attempt < kills:
            _kill_within(world, command, rng, longest, counts)
        status = command.wait()
        if attempt >= kills and status == 0:
            return
    raise AssertionError(f"{run.path}: expected to be made within {MOST_TRIES} tries, found status {status}")


def _kill_within(
    world: World, command: "subprocess.Popen[bytes]", rng: random.Random, longest: float, counts: Counts
) -> None:
    try:
        command.wait(timeout=rng.uniform(0.1, longest))
        counts.survived += 1
        return
    except subprocess.TimeoutExpired:
        pass
    what = kill_one(world, rng)
    if what is not None:
        counts.killed[what] += 1
    if what != "pipelines cycle":
        return
    deadline = time.monotonic() + GONE_SECONDS
    while processes_of(world) and time.monotonic() < deadline:
        time.sleep(0.2)
    left = [" ".join(process.cmdline()) for process in processes_of(world)]
    assert not left, f"expected no process to outlive its cycle, found {left}"


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
    faults += [f"{process}: still runs" for process in processes_of(world)]
    faults += [f"{path}: left behind" for path in world.home.root.rglob("*.partial*")]
    return faults


def campaign(root: Path, cycles: int, seed: int, *, kills: int = 1, longest: float = 40.0) -> Counts:
    """Run or continue a campaign.

    Args:
        root: Directory of both worlds.
        cycles: Number of cycles.
        seed: Seed of moments and processes.
        kills: Runs of the command that are killed for each cycle.
        longest: Seconds within which the moment of a kill lies.

    Raises:
        AssertionError: Something is wrong.
    """
    calm, wild = World(root / "calm"), World(root / "wild")
    if not calm.root.exists():
        make_world(calm.root).copied_to(wild.root)
    inits = [str(FIRST + day) for day in range(cycles)]
    done, counts = root / "done.json", Counts(0, Counter(), 0)
    made = json.loads(done.read_text()) if done.exists() else []
    for number, init in enumerate(inits):
        if init in made:
            continue
        make_cycle(wild, init, random.Random(seed * 1_000_003 + number), kills, longest, counts)
        made.append(init)
        done.write_text(json.dumps(made))
        counts.cycles += 1
        print(f"{init}: {dict(counts.killed)} killed, {counts.survived} ended before", flush=True)
    faults = faults_of(wild, calm, inits)
    assert not faults, "; ".join(faults)
    return counts


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cycles", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kills", type=int, default=1, help="runs of the command that are killed for each cycle")
    parser.add_argument("--longest", type=float, default=40.0, help="seconds within which a kill comes")
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    counts = campaign(asked.out.absolute(), asked.cycles, asked.seed, kills=asked.kills, longest=asked.longest)
    print(f"{counts.cycles} cycles, {sum(counts.killed.values())} kills {dict(counts.killed)}: all published once")
    return 0


if __name__ == "__main__":
    sys.exit(main())
