"""How close training and sampling come to the peak of the machine, and the gain from the loader and a second process.

    python benchmarks/sampling.py [--system speedy-5p6] [--iterations 12]
        [--only peak training sampling loader processes]

Run it on an idle machine: every figure is wall time, the median of several repetitions, and ratios compare figures
of one run. The weather is the bundled sample.

Peak: the rate of a large matrix product with one thread per process (`--threads` for more). Share: the arithmetic that
`plumecast doctor SYSTEM` counts, divided by time and peak. Efficiency of two processes: their throughput divided by
twice that of one. `unconnected` processes share only the machine, so their loss is due to the machine; any further loss
with `ddp` and `fsdp` is communication.
"""

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import closing, contextmanager, nullcontext
from functools import partial
from pathlib import Path

PARTS = ("peak", "training", "sampling", "loader", "processes")
PRECISIONS = ("float32", "bfloat16")


def small_system(name, **training):
    """Return the system with the bundled year as its training period, without checkpoints before the end."""
    from pipelines.workspace.systems import find_system

    system = find_system(name)
    return system.changed(
        finetuning=(),
        pretraining=None,
        anchor=system.anchor.changed(cross_fitted=False),  # which takes two years
        periods={
            "training": {"start": "2008-01-01", "end": "2008-11-30"},
            "validation": {"start": "2008-12-01", "end": "2008-12-31"},
            "test": {"start": "2009-01-01", "end": "2009-12-31"},
        },
        training=system.training.changed(**({"checkpoint_minutes": 1e6, "validation_samples": 4} | training)),
    )


def bundled(system):
    from data_catalog.catalog import dataset
    from data_catalog.sources.open_source import open_source

    names = list(system.state.predictands + system.state.static)
    return open_source(dataset("speedy-5p6"))[names].load()


def system_costs(system):
    from data_catalog.catalog import dataset
    from forecast.model.costs import costs
    from forecast.sphere.grid import Grid

    return costs(system, Grid(*dataset(system.dataset).grid.coordinates()))


def median_seconds(run, repeat, least_seconds=0.0):
    """Return the median time of a call after a warm-up; short functions are called more often."""
    run()
    seconds, begun = [], time.perf_counter()
    while len(seconds) < repeat or time.perf_counter() - begun < least_seconds:
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def peak(size=2048):
    """Return the rate of a large matrix product by precision, operations per second."""
    import torch

    rates = {}
    for precision in PRECISIONS:
        a, b = (torch.randn(size, size, dtype=getattr(torch, precision)) for _ in range(2))
        rates[precision] = 2 * size**3 / median_seconds(lambda a=a, b=b: a @ b, 5, least_seconds=2.0)
    return rates


@contextmanager
def timed_waiting():
    """Collect the seconds that each consumer waits for samples, in a list; training is the last consumer."""
    from forecast.training.samples import Samples

    real, waited = Samples.stream, []

    def stream(self, choices, lead_steps):
        windows = real(self, choices, lead_steps)
        waited.append(0.0)
        while True:
            start = time.perf_counter()
            following = next(windows, None)
            waited[-1] += time.perf_counter() - start
            if following is None:
                return
            yield following

    Samples.stream = stream
    try:
        yield waited
    finally:
        Samples.stream = real


def step_seconds(system, analysis, iterations, ranks=None):
    """Return the median time of a training iteration."""
    from forecast.parallel.ranks import ALONE
    from forecast.training.train import train

    with tempfile.TemporaryDirectory() as directory:
        states = train(system, analysis, Path(directory), iterations=iterations + 2, ranks=ranks or ALONE)
        with closing(states):
            seconds = [state.seconds for state in states]
    return statistics.median(seconds[1:-1])


def training_table(name, iterations, rates):
    print("\n| training, one process | samples/s | TFLOP/s | share of the peak |\n|---|---|---|---|")
    for precision in PRECISIONS:
        for together in (None, 4):
            system = small_system(name, precision=precision, micro_batch_size=together)
            seconds = step_seconds(system, bundled(system), iterations)
            samples = system.training.batch_size / seconds
            rate = samples * system_costs(system).training_flops
            words = f"{precision}, {together or system.training.batch_size} samples together"
            print(f"| {words} | {samples:.2f} | {rate / 1e12:.3f} | {rate / rates[precision]:.0%} |", flush=True)


def sampling_table(name, repeat, rates):
    import numpy as np
    import torch

    from forecast.model.step_model import StepModel
    from forecast.states.conditions import SCALARS
    from forecast.states.standardiser import grid_of, static_tensor

    system = small_system(name)
    analysis = bundled(system)
    grid = grid_of(analysis)
    model = StepModel(system, grid, static_tensor(analysis, system.state.static)).eval()
    flops = system_costs(system).evaluation_flops
    steps = system.forecast.lead_days * 24 // system.state.step_hours
    print(f"\n| one evaluation | members/s | share of the peak | members/s, {steps} lead steps |\n|---|---|---|---|")
    for precision in PRECISIONS:
        model.training_dtype = torch.bfloat16 if precision == "bfloat16" else None
        for members in (1, 5, 10, 25, 50):
            past = torch.randn(members, system.state.past_states, len(system.state.predictands), *grid.shape)
            scalars, sigma = torch.zeros(members, SCALARS), torch.full((members,), 10.0)

            @torch.inference_mode()
            def evaluate(past=past, scalars=scalars, sigma=sigma):
                model.residual_denoiser(past, model.anchor(past, scalars), scalars)(past[:, -1], sigma)

            rate = members / median_seconds(evaluate, repeat, least_seconds=1.0)
            words = f"{precision}, {members} together"
            print(f"| {words} | {rate:.1f} | {rate * flops / rates[precision]:.0%} | {rate / steps:.2f} |", flush=True)
    checkpoint_tables(system.name, np.datetime64("2008-07-01", "ns"))


def checkpoint_tables(name, init_time):
    """How fast the system makes members as it is, and how far what should not matter moves them."""
    import numpy as np
    import torch

    from forecast.checkpoints.files import load_checkpoint
    from forecast.diffusion.samplers import network_evaluations
    from forecast.members.ensemble import MemberRequest, forecast_members
    from pipelines.workspace.checkpoints import find_checkpoint
    from pipelines.workspace.home import home
    from pipelines.workspace.systems import find_system

    system = find_system(name)
    checkpoint = load_checkpoint(find_checkpoint(home(), system))
    analysis = bundled(system)

    evaluations = network_evaluations(system.sampler.kind, system.sampler.sampling_steps)

    def members(count, batch_size):
        return list(
            forecast_members(
                checkpoint, system, analysis, MemberRequest(init_time, range(count), 10), batch_size=batch_size
            )
        )

    print(f"\n| members of 10 lead steps, {evaluations} evaluations each, from file to fields | members/s |\n|---|---|")
    for together in (10, 25):
        rate = 25 / median_seconds(partial(members, 25, together), 1)
        print(f"| 25 members, {together} together | {rate:.2f} |", flush=True)

    departures = analysis - analysis.mean("time")  # the year's cycle included, as spread in physical units
    std = {name: float(departures[name].std()) for name in system.state.predictands}

    def made(batch_size, dtype=None):
        checkpoint.model.training_dtype = dtype
        parts = members(4, batch_size)
        return np.stack(
            [
                np.stack([np.concatenate([p.fields[c] / std[c] for p in parts if p.lead_index == lead]) for c in std])
                for lead in range(10)
            ]
        )

    usual, alone, lower = made(4), made(1), made(4, torch.bfloat16)
    print(
        "\n| members of the checkpoint, largest (mean) difference in standard deviations | 1 day | 5 days | 10 days |"
    )
    print("|---|---|---|---|")
    for words, other in (("computed alone", alone), ("network in bfloat16", lower)):
        apart = np.abs(other - usual)
        cells = [f"{apart[lead].max():.1e} ({apart[lead].mean():.1e})" for lead in (0, 4, 9)]
        print(f"| {words} | {' | '.join(cells)} |", flush=True)


def loader_table(name, iterations):
    """What the archive delivers by itself, and what training waits for it."""
    from data_catalog.archive.ingest import ingest
    from data_catalog.archive.reading import open_archive
    from data_catalog.catalog import dataset
    from data_catalog.sources.open_source import open_source
    from forecast.states.standardiser import Standardiser
    from forecast.training.samples import in_period, make_samples, shuffled

    system = small_system(name, loader="archive")
    batch = system.training.batch_size
    with tempfile.TemporaryDirectory() as directory:
        archive = Path(directory) / "sample.zarr"
        ingest(dataset("speedy-5p6"), open_source(dataset("speedy-5p6")), archive)
        analysis = open_archive(archive)[list(system.state.predictands + system.state.static)]
        training = in_period(analysis, system.periods.training)
        samples = make_samples(training, Standardiser.fit(training, system.state.predictands), system, loader="archive")
        choices = [shuffled(len(samples), batch, iteration, seed=0) for iteration in range(4 * iterations)]
        start = time.perf_counter()
        for _ in samples.stream(choices, 1):
            pass
        reading = (time.perf_counter() - start) / len(choices)
        from_memory = step_seconds(small_system(name), analysis, iterations)
        with timed_waiting() as waited:
            from_archive = step_seconds(system, analysis, iterations)
    print("\n| loader | |\n|---|---|")
    print(f"| archive alone | {batch / reading:.0f} samples/s |")
    print(f"| training from memory | {batch / from_memory:.1f} samples/s |")
    print(f"| training from the archive | {batch / from_archive:.1f} samples/s |")
    print(f"| archive alone / training | {from_memory / reading:.0f} times as fast |")
    share = waited[-1] / (iterations + 2) / from_archive
    print(f"| share of a training step that waits for the archive | {share:.1%} |", flush=True)


def work_as_rank(name, mode, iterations):
    """In a process of its own: training throughput and forecast time, printed by the first."""
    import torch

    from forecast.parallel.ranks import ALONE, process_group

    torch.set_num_threads(1)
    system = small_system(name, parallel="fsdp" if mode == "fsdp" else "ddp", optimiser="adamw")
    connected = mode in ("ddp", "fsdp")
    with process_group("cpu") if connected else nullcontext(ALONE) as ranks:
        larger = system.training.changed(batch_size=system.training.batch_size * ranks.count)
        seconds = step_seconds(system.changed(training=larger), bundled(system), iterations, ranks)
    if os.environ.get("RANK", "0") == "0" or not connected:
        print(json.dumps({"samples_per_second": system.training.batch_size * ranks.count / seconds}))


def throughput(name, mode, count, iterations):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        shared = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free.getsockname()[1]), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, __file__, "--system", name, "--iterations", str(iterations), "--as-rank", mode]
    started = []
    for rank in range(count):
        who = {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(count)} if mode in ("ddp", "fsdp") else {}
        started.append(subprocess.Popen(command, env=os.environ | shared | who, stdout=subprocess.PIPE, text=True))
    outputs = [process.communicate()[0] for process in started]
    if any(process.returncode for process in started):
        raise SystemExit(f"{mode}: a process failed")
    return sum(json.loads(output)["samples_per_second"] for output in outputs if output.strip())


def processes_table(name, iterations):
    print(
        "\n| training by processes of one thread | samples/s | efficiency | of that, communication |\n|---|---|---|---|"
    )
    one = throughput(name, "unconnected", 1, iterations)
    print(f"| 1 | {one:.2f} | 100% | |", flush=True)
    apart = throughput(name, "unconnected", 2, iterations)
    print(f"| 2, unconnected | {apart:.2f} | {apart / one / 2:.0%} | |", flush=True)
    for mode in ("ddp", "fsdp"):
        both = throughput(name, mode, 2, iterations)
        print(f"| 2, {mode} | {both:.2f} | {both / one / 2:.0%} | {1 - both / apart:.1%} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--system", default="speedy-5p6")
    parser.add_argument("--iterations", type=int, default=12)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--as-rank", choices=("unconnected", "ddp", "fsdp"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.as_rank:
        work_as_rank(options.system, options.as_rank, options.iterations)
        return
    import torch

    torch.set_num_threads(options.threads)
    rates = peak()
    print(
        f"{os.cpu_count()} cores, {options.threads} threads, load {os.getloadavg()[0]:.1f}, torch {torch.__version__}"
    )
    print("\n| matrix product | GFLOP/s |\n|---|---|")
    for precision, rate in rates.items():
        print(f"| {precision} | {rate / 1e9:.0f} |", flush=True)
    if "training" in options.only:
        training_table(options.system, options.iterations, rates)
    if "sampling" in options.only:
        sampling_table(options.system, options.iterations, rates)
    if "loader" in options.only:
        loader_table(options.system, options.iterations)
    if "processes" in options.only:
        processes_table(options.system, options.iterations)


if __name__ == "__main__":
    main()
