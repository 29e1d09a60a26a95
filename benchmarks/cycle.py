"""Where the time of a run goes: what imports, inputs, sampling, writing, drawing, publication and orchestration cost.

    python benchmarks/cycle.py [--systems tiny speedy-5p6] [--commands forecast verify cycle] [--rounds 1]
        [--home DIR] [--beside CHECKOUT] [--threads 2]

Runs `plumecast forecast`, `verify` of that run and `cycle` (with a server that already runs), each in a process of its
own, for a tiny system (four members, two days) and for speedy-5p6 (50 members, 10 days). Each line gives wall and CPU
seconds of a part, the CPU of all its threads; the last, of the command as a whole with all the processes that it
starts. `--beside` measures another checkout in turn with this one: on a machine with other work, compare CPU seconds.
"""

import argparse
import importlib
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import nullcontext
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
START, RESULT = "BENCHMARK_START", "BENCHMARK_RESULT"
TINY = """
name = "tiny"
title = "Tiny"
dataset = "speedy-5p6"
state = { predictands = ["msl", "t2m"], static = ["orography"] }
anchor = { kind = "persistence" }
network = { patch = 2, widths = [8, 8], blocks = 1, position_features = 1 }
training = { iterations = 30, batch_size = 4, validation_samples = 4, warmup_iterations = 1 }
sampler = { sampling_steps = 1 }
forecast = { members = 4, lead_days = 2, batch_size = 2 }
verification = { baseline_eofs = 4 }

[periods]
training = { start = 2008-01-01, end = 2008-05-31 }
validation = { start = 2008-06-01, end = 2008-06-30 }
test = { start = 2008-07-01, end = 2008-12-31 }

[products]
map_channels = ["msl"]
map_lead_days = [1, 2]
points = [{ name = "London", latitude = 51.5, longitude = 359.9 }]
"""
INITS = {"forecast": "2008-08-01", "verify": "2008-08-01", "cycle": "2008-09-01"}
MODULES = {
    "forecast": ("pipelines.runs.forecast", "pipelines.workspace.analyses", "pipelines.workspace.devices"),
    "verify": ("pipelines.operations.verify", "pipelines.scoring.tables"),
    "cycle": ("pipelines.flows.cycle", "pipelines.flows.pending"),
}
PARTS = (  # module, name, part; a part within a part counts once, as the inner one
    ("pipelines.runs.inputs", "open_inputs", "inputs"),
    ("pipelines.runs.forecast", "make_members", "sampling and writing"),
    ("pipelines.runs.forecast", "make_products", "products"),
    ("pipelines.runs.forecast", "make_page", "figures and page"),
    ("pipelines.runs.forecast", "publish", "publication"),
    ("pipelines.data.ingest", "ingest_new", "ingest"),
    ("forecast.products.files.proof", "prove_run", "proof of the run"),
    ("pipelines.scoring.run_scores", "score_run", "scores"),
    ("pipelines.scoring.scorer", "keep_all", "score archive"),
    ("pipelines.runs.republish", "redraw_run", "publication"),
    ("pipelines.runs.page", "draw_run", "figures and page"),
)


class Clocks:
    """Exclusive wall and CPU seconds of nested parts of the main thread, and those of the writer's thread."""

    def __init__(self):
        self.parts, self.stack = defaultdict(lambda: [0.0, 0.0]), []
        self.writing = [0.0, 0.0]

    def timed(self, function, part):
        def wrapped(*arguments, **options):
            self.stack.append([0.0, 0.0])
            begun = time.perf_counter(), time.process_time()
            try:
                return function(*arguments, **options)
            finally:
                self._leave(part, time.perf_counter() - begun[0], time.process_time() - begun[1])

        return wrapped

    def _leave(self, part, wall, cpu):
        inner = self.stack.pop()
        self.parts[part][0] += wall - inner[0]
        self.parts[part][1] += cpu - inner[1]
        if self.stack:
            self.stack[-1][0] += wall
            self.stack[-1][1] += cpu

    def written(self, write):
        def wrapped(*arguments):
            begun = time.perf_counter(), time.thread_time()
            write(*arguments)
            self.writing[0] += time.perf_counter() - begun[0]
            self.writing[1] += time.thread_time() - begun[1]

        return wrapped


def replace_everywhere(module, name, wrap):
    """Replace a function in each module that has imported it; one that this release lacks stays away."""
    original = getattr(sys.modules.get(module), name, None)
    for each in list(sys.modules.values()) if original is not None else ():
        if getattr(each, "__dict__", {}).get(name) is original:
            setattr(each, name, wrap(original))


def inside(words):
    """Run one command in this process, and write what its parts cost to the file that the environment names."""
    with second_process():
        status, clocks = measured_command(words)
    took = clocks.parts | ({"of that, writing": clocks.writing} if words[0] != "verify" else {})
    whole = [time.time() - float(os.environ[START]), time.process_time()]
    Path(os.environ[RESULT]).write_text(json.dumps({"parts": took, "whole": whole}))
    return status


def second_process():
    """Begin the process that draws beside this one, as the command line does first; older releases had none."""
    try:
        from forecast.products.plots.second_process import drawing_beside
    except ImportError:
        return nullcontext()
    return drawing_beside()


def measured_command(words):
    from pipelines.cli.app import main

    command = words[0]
    if command == "cycle":
        from pipelines.flows.environment import prepare_prefect
        from pipelines.workspace.home import home

        prepare_prefect(home())
    for module in MODULES[command]:
        importlib.import_module(module)
    clocks = Clocks()
    clocks.parts["imports"] = [time.time() - float(os.environ[START]), time.process_time()]
    for module, name, part in PARTS:
        replace_everywhere(module, name, lambda function, part=part: clocks.timed(function, part))
    if command != "verify":
        writer = importlib.import_module("forecast.products.files.netcdf").ForecastWriter
        writer.write = clocks.written(writer.write)
    return main(words), clocks


def spent_by_children():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def server_seconds():
    """CPU seconds of the running children of this process: the Prefect server, if one runs."""
    total = 0.0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == os.getpid():
            total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total


def run(words, checkout, environment):
    """Run a command; return wall and CPU seconds of each part, in the order in which they were first met."""
    with tempfile.NamedTemporaryFile(suffix=".json") as result:
        variables = environment | {"PYTHONPATH": str(checkout), START: str(time.time()), RESULT: result.name}
        before, server, begun = spent_by_children(), server_seconds(), time.perf_counter()
        subprocess.run(
            [sys.executable, __file__, "--inside", *words], env=variables, check=True, stdout=subprocess.DEVNULL
        )
        wall, cpu, server = time.perf_counter() - begun, spent_by_children() - before, server_seconds() - server
        measured = json.loads(Path(result.name).read_text())
    parts = measured["parts"]
    known = [sum(value[index] for name, value in parts.items() if name != "of that, writing") for index in (0, 1)]
    parts["all else in its process"] = [measured["whole"][0] - known[0], measured["whole"][1] - known[1]]
    parts["its other processes"] = [0.0, max(0.0, cpu - measured["whole"][1])]
    if words[0] == "cycle":
        parts["the server, meanwhile"] = [0.0, server]
    parts["in all, without the server"] = [wall, cpu]
    return parts


def words_of(command, system, home):
    name = Path(system).stem
    place = home / "runs" / name / f"{INITS[command].replace('-', '')}T0000Z"
    if command == "verify":
        return ["verify", str(place)]
    shutil.rmtree(place, ignore_errors=True)
    return [command, system, "--init", INITS[command]]


def prepare(home, systems, environment):
    """Archive the bundled weather and train the tiny system, unless the home has both; return the systems' paths."""
    home.mkdir(parents=True, exist_ok=True)
    tiny = home / "tiny.toml"
    tiny.write_text(TINY)
    steps = [(["ingest", "speedy-5p6"], home / "archives" / "speedy-5p6.zarr")]
    if "tiny" in systems:
        steps.append((["train", str(tiny)], home / "checkpoints" / "tiny"))
    for words, made in steps:
        if not made.exists():
            subprocess.run([sys.executable, "-m", "pipelines", *words], env=environment, check=True)
    return [str(tiny) if name == "tiny" else name for name in systems]


def measure(options, home, environment):
    from pipelines.flows.server import prefect_server
    from pipelines.terminal.processes import free_port
    from pipelines.workspace.home import Home

    checkouts = [CHECKOUT] + ([options.beside.resolve()] if options.beside else [])
    systems = prepare(home, options.systems, environment)
    for command in options.commands:
        with prefect_server(Home(home), free_port()) if command == "cycle" else nullcontext() as address:
            variables = environment | ({} if address is None else {"PREFECT_API_URL": address})
            for system in systems:
                runs = [
                    [run(words_of(command, system, home), checkout, variables) for checkout in checkouts]
                    for _ in range(options.rounds)
                ]
                show(f"{command} {Path(system).stem}", checkouts, runs)


def show(title, checkouts, runs):
    """Print a table of medians: wall and CPU seconds of each part in each checkout."""
    print(f"\n| {title} | " + " | ".join(f"{checkout.name}: wall s | CPU s" for checkout in checkouts) + " |")
    print("|---|" + "---|---|" * len(checkouts))
    names = dict.fromkeys(name for each in runs for parts in each for name in parts)
    for name in names:
        cells = [
            f"{statistics.median(each[number].get(name, [0.0, 0.0])[index] for each in runs):.1f}"
            for number in range(len(checkouts))
            for index in (0, 1)
        ]
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--systems", nargs="+", default=["tiny", "speedy-5p6"], help="tiny, or names of systems")
    parser.add_argument("--commands", nargs="+", choices=tuple(INITS), default=list(INITS))
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument(
        "--home", type=Path, help="keep archive, checkpoint and runs there [default: a temporary place]"
    )
    parser.add_argument("--beside", type=Path, help="another checkout to measure in turn with this one")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    with nullcontext(options.home) if options.home else tempfile.TemporaryDirectory() as place:
        home = Path(place).resolve()
        environment = os.environ | {"OMP_NUM_THREADS": str(options.threads), "PLUMECAST_HOME": str(home)}
        print(f"load {os.getloadavg()[0]:.1f}, {options.threads} threads, medians of {options.rounds}")
        measure(options, home, environment)


if __name__ == "__main__":
    sys.exit(inside(sys.argv[2:]) if sys.argv[1:2] == ["--inside"] else main())
