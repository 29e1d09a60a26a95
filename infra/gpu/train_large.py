"""Train speedy-5p6-large for some seconds of a device, and score it on its validation days.

    python infra/gpu/train_large.py --weather DIR --out DIR --seconds 300 [--device cuda] [--figures gpu.json] [--tiny]

Measures the speed of a few networks in each stage of the recipe, takes the largest that completes it in time, writes
its system file, trains it with a checkpoint every minute and a line for each iteration in `curve.csv`, and scores it
with several strengths of the starting noise. Called again with the same folder, it continues; no test day is used.
"""

import argparse
import csv
import json
import math
import os
import statistics
import tempfile
import time
from collections import defaultdict
from contextlib import closing
from pathlib import Path
from string import Template

import xarray as xr

from data_catalog.catalog import dataset
from forecast.checkpoints.files import load_checkpoint
from forecast.model.costs import costs
from forecast.parallel.ranks import Ranks
from forecast.sphere.grid import Grid
from forecast.system.reading import read_system
from forecast.system.system import System
from forecast.training.directory import has_checkpoint, is_finished
from forecast.training.train import train
from pipelines.training.sprint_size import Speed, SprintSize, choose_sprint_size
from pipelines.tuning.validation import Validation
from pipelines.workspace.analyses import open_system_analysis
from pipelines.workspace.devices import choose_device
from pipelines.workspace.starts import spaced_starts

TEMPLATE = Path(__file__).with_name("speedy-5p6-large.toml.template")
NAME = "speedy-5p6-large"
RECIPE = (800, 4000, 1500)
"""Iterations of speedy-5p6: denoising, then CRPS over one day and over four."""
WIDTHS = ((96, 160), (128, 216), (160, 272))
TINY_WIDTHS = ((8, 12),)
LARGEST_BYTES = 16e6
NOISE_INFLATIONS = (0.94, 0.97, 1.0, 1.03)
LEAD_DAYS = (1, 3, 5)
PERIODS = ("2001-01-01", "2006-12-31", "2007-01-01", "2007-12-31", "2008-01-01", "2008-12-31")
TINY_PERIODS = ("2008-01-01", "2008-11-30", "2008-12-01", "2008-12-31", "2009-01-01", "2009-12-31")
"""Of the dry run, which has the bundled year alone and chooses nothing."""


def write_system(
    path: Path, widths: tuple[int, ...], iterations: tuple[int, ...], *, compiled: bool, tiny: bool
) -> None:
    """Write the system file of a network of some size.

    Args:
        path: File to write.
        widths: Channels of the network at each resolution.
        iterations: Iterations of each stage.
        compiled: Whether to compile the network.
        tiny: Whether it is the system of a dry run, for one year and a CPU.
    """
    names = ("training_start", "training_end", "validation_start", "validation_end", "test_start", "test_end")
    batches = (4, 2, 2) if tiny else (64, 32, 16)
    values = dict(zip(names, TINY_PERIODS if tiny else PERIODS, strict=True))
    values |= dict(zip(("denoising", "one_day", "four_days"), map(str, iterations), strict=True))
    values |= dict(zip(("batch_denoising", "batch_one_day", "batch_four_days"), map(str, batches), strict=True))
    values |= {"widths": str(list(widths)), "compiled": _toml(compiled), "cross_fitted": _toml(not tiny)}
    path.write_text(Template(TEMPLATE.read_text(encoding="utf-8")).substitute(values), encoding="utf-8")


def _toml(value: bool) -> str:
    return "true" if value else "false"


def is_faster_compiled(figures: Path | None) -> bool:
    """Return whether a compiled training step of speedy-5p6 was measured, and was faster than an eager one.

    Args:
        figures: Figures of `benchmarks/gpu.py`; None or an absent file if there are none.
    """
    if figures is None or not figures.exists():
        return False
    rows = [row for row in json.loads(figures.read_text())["training"] if row["system"] == "speedy-5p6"]
    rates = {row["compiled"]: row.get("samples_per_second", 0.0) for row in rows}
    return rates.get(True, 0.0) > rates.get(False, 0.0)


def measured_speed(system: System, weather: xr.Dataset, device: str, iterations: int) -> Speed:
    """Measure a training by its own loop, for some iterations of each stage, without checkpoints.

    Args:
        system: The system.
        weather: Analyses of its training and validation periods.
        device: Device to compute on.
        iterations: Iterations of each stage; the first and the last, which begins and which saves, do not count.
    """
    options = system.training.changed(checkpoint_minutes=1e6, validation_samples=2, compiled=False)
    quick = system.changed(training=options, anchor=system.anchor.changed(cross_fitted=False))
    seconds: dict[str, list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as directory:
        states = train(quick, weather, Path(directory), iterations=iterations, ranks=Ranks(device=device))
        with closing(states):
            for state in states:
                seconds[state.stage].append(state.seconds)
    grid = Grid(*dataset(system.dataset).grid.coordinates())
    medians = tuple(statistics.median(each[1:-1]) for each in seconds.values())
    return Speed(tuple(system.network.widths), costs(system, grid).parameters, medians)


def choose_size(weather: Path, out: Path, deadline: float, options: argparse.Namespace) -> SprintSize:
    """Measure the networks, and choose one that is trained by the deadline.

    Args:
        weather: Weather to train on.
        out: Folder for the measurements.
        deadline: When the training must have ended, on the monotonic clock.
        options: Those of the command line.
    """
    speeds = []
    for widths in TINY_WIDTHS if options.tiny else WIDTHS:
        path = out / f"{NAME}.toml"
        write_system(path, widths, RECIPE, compiled=False, tiny=options.tiny)
        system = read_system(path)
        path.unlink()  # the file is there once the size is chosen
        analysis = open_system_analysis(weather, system)
        begun = time.monotonic()
        speeds.append(measured_speed(system, analysis, options.device, 3 if options.tiny else 12))
        say(f"widths {widths}: {[f'{each:.4f}' for each in speeds[-1].stage_seconds]} s an iteration of each stage")
        if not options.tiny and time.monotonic() - begun > 0.1 * (deadline - time.monotonic()):
            break  # a larger one would take time that training needs
    seconds = min(deadline - time.monotonic(), 86_400.0)
    size = choose_sprint_size(speeds, RECIPE, seconds, largest_bytes=LARGEST_BYTES)
    record = {"speeds": [vars(each) for each in speeds], "chosen": vars(size)}
    (out / "size.json").write_text(json.dumps(record, indent=1))
    say(f"chosen: widths {size.widths}, {size.iterations} iterations, {size.expected_seconds:.0f} s expected")
    return size


def train_until(system: System, weather: Path, out: Path, deadline: float, device: str) -> bool:
    """Train, or continue; return whether the training finished before the deadline.

    Args:
        system: The system.
        weather: Weather to train on.
        out: Folder of the checkpoint and the curve.
        deadline: When to stop, on the monotonic clock; the first checkpoint is waited for.
        device: Device to compute on.
    """
    checkpoint = out / "checkpoint"
    analysis = open_system_analysis(weather, system)
    states = train(system, analysis, checkpoint, resume=True, ranks=Ranks(device=device))
    with (out / "curve.csv").open("a", newline="") as file, closing(states):
        lines = csv.writer(file)
        for state in states:
            row = (state.iteration, state.stage, f"{state.loss:.6g}", state.validation_loss, f"{state.seconds:.4f}")
            lines.writerow(row)
            if state.validation_loss is not None:
                file.flush()
                say(f"iteration {state.iteration} of {state.iterations}: validation {state.validation_loss:.4f}")
            if time.monotonic() > deadline and has_checkpoint(checkpoint) and state.iteration < state.iterations:
                break  # what came after the last checkpoint is trained again
    return is_finished(checkpoint)


def score(system: System, weather: Path, out: Path, *, device: str, tiny: bool) -> None:
    """Score the checkpoint on validation days with each strength of the starting noise, and say which is best.

    Args:
        system: The system.
        weather: Weather with the validation days.
        out: Folder of the checkpoint and of `scores.json`.
        device: Device to compute on.
        tiny: Whether it is a dry run.
    """
    checkpoint = load_checkpoint(out / "checkpoint")
    analysis = open_system_analysis(weather, system).load()
    times, days = analysis["time"].values, LEAD_DAYS[-1]
    starts = spaced_starts(system, times, system.periods.validation, count=1 if tiny else 24, lead_steps=days)
    found = {}
    for inflation in NOISE_INFLATIONS[:2] if tiny else NOISE_INFLATIONS:
        noisy = system.changed(sampler=system.sampler.changed(noise_inflation=inflation))
        validation = Validation(noisy, analysis, tuple(starts), 2 if tiny else 16, days, device)
        found[inflation] = validation.score(checkpoint).scores
    scale = next(iter(found.values()))["crps"]
    relative = {inflation: float((scores["crps"] / scale).mean()) for inflation, scores in found.items()}
    record = {
        "model_id": checkpoint.model_id,
        "finished": is_finished(out / "checkpoint"),
        "period": [str(system.periods.validation.start), str(system.periods.validation.end)],
        "initialisations": len(starts),
        "noise_inflation": {"relative_crps": relative, "chosen": min(relative, key=relative.__getitem__)},
        "scores": {str(inflation): _table(scores) for inflation, scores in found.items()},
    }
    (out / "scores.json").write_text(json.dumps(record, indent=1))
    say(f"scores on {record['period']}: relative CRPS by starting noise {relative}")


def _table(scores: xr.Dataset) -> dict[str, dict[str, dict[str, float]]]:
    """Scores by channel, name and lead hours, as in an evaluation."""
    return {
        str(channel): {
            name: {str(24 * day): float(scores[name].sel(channel=channel).isel(lead_time=day - 1)) for day in LEAD_DAYS}
            for name in ("crps", "spread_skill")
        }
        for channel in scores["channel"].values
    }


def say(text: str) -> None:
    """Print a line with the time of day."""
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weather", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seconds", type=float, required=True, help="for everything, scores included")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--figures", type=Path, help="gpu.json: compile only if that was seen to be faster")
    parser.add_argument("--tiny", action="store_true", help="networks and periods of a dry run")
    options = parser.parse_args()
    options.device = choose_device(options.device)
    # The rest is for the scores. A dry run goes through all stages, however slow the machine is.
    deadline = math.inf if options.tiny else time.monotonic() + 0.85 * options.seconds
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / f"{NAME}.toml"
    if not path.exists():
        size = choose_size(options.weather, options.out, deadline, options)
        iterations = (4, 3, 2) if options.tiny else size.iterations
        fresh = path.with_suffix(f".{os.getpid()}")
        write_system(fresh, size.widths, iterations, compiled=is_faster_compiled(options.figures), tiny=options.tiny)
        fresh.rename(path)
    system = read_system(path)
    finished = train_until(system, options.weather, options.out, deadline, options.device)
    say("the training is finished" if finished else "the time is over; call again with the same folder to continue")
    score(system, options.weather, options.out, device=options.device, tiny=options.tiny)


if __name__ == "__main__":
    main()
