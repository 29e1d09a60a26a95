"""Variants of one system, each trained for the same CPU time of one core and scored on the validation year.

    OMP_NUM_THREADS=1 python benchmarks/ablations.py SYSTEM.toml ARCHIVE.zarr OUT
        [--seconds 24] [--seeds 0 1 2] [--only NAME ...]

A variant is a change of the base, which is the system file with the changes of `BASE`. The number of iterations that
fit into the time is measured once for all variants of equal cost, so that learning rates decay fully and timing noise
favours none. Times are process times, so a busy machine does not matter. Training ends before the validation year, and
no later data is used. Every run is a file in OUT, written when it is done: a killed sweep continues with the missing
runs. OUT/table.md shows the finished runs.
"""

import argparse
import json
import math
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
import xarray as xr
from ablation_table import LEAD_HOURS, REFERENCES, Changes, table
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from data_catalog.storage.atomic_files import write_durably
from forecast.checkpoints.checkpoint import Checkpoint
from forecast.checkpoints.files import load_checkpoint
from forecast.diffusion.losses import almost_fair_crps
from forecast.model.advance import advance, censored
from forecast.states.conditions import SCALARS
from forecast.states.standardiser import Standardiser
from forecast.system.reading import parse_system, read_system
from forecast.system.system import System
from forecast.training.sample_batch import SampleBatch
from forecast.training.samples import Samples, in_period, make_samples
from forecast.training.train import train
from forecast.verification import EvaluationSums
from forecast.verification.baselines.fitting import fit_baselines

MEMBERS = 4
STARTS = 20
TOGETHER = 120
"""Number of members of all starts that are computed together."""
NOISE_SEED = 5
BASELINE_MEMBERS = 50
PROBED = 16
NEVER = 1e6
WHOLE = ("network", "anchor", "finetuning", "pretraining")
"""Sections that a change replaces as a whole; in other sections it changes single keys."""

BASE: Changes = {
    "network": {"patch": 2, "widths": [48, 80]},
    "finetuning": [],
    "pretraining": None,
    "training": {
        "batch_size": 16,
        "learning_rate": 1e-3,
        "warmup_iterations": 30,
        "ema_halflife_samples": 4000,
        "optimiser": "adamw",
        "precision": "bfloat16",
        "mirrored": False,
        "networks": 1,
        "checkpoint_minutes": NEVER,
    },
    "sampler": {"kind": "heun", "sampling_steps": 6, "sigma_min": 0.03, "sigma_max": 20.0, "noise_inflation": 1.0},
}
ONE_EVALUATION: Changes = {"kind": "euler", "sampling_steps": 1, "sigma_max": 40.0}
CRPS: Changes = {"batch_size": 16, "members": 2, "learning_rate": 1e-3, "lead_steps": 1}


@dataclass(frozen=True)
class Variant:
    """A change of the base.

    Attributes:
        changes: Sections of the system file with the keys that differ.
        crps_share: Share of the time that is spent on CRPS training; denoising gets the rest.
    """

    changes: Changes = field(default_factory=dict)
    crps_share: float = 0.0


def family(path: str) -> Variant:
    """Return a path in its usual form: uniform times, its own velocity as output, and the corresponding weight."""
    diffusion = {"path": path, "output": "velocity", "weight": "velocity", "time_distribution": "path-uniform"}
    return Variant({"diffusion": diffusion, "sampler": {"schedule": path}})


VARIANTS: dict[str, Variant] = {
    "base": Variant(),
    "path: vp-linear": family("vp-linear"),
    "path: vp-cosine": family("vp-cosine"),
    "path: flow": family("flow"),
    "network: dit": Variant({"network": {"kind": "dit", "patch": 2, "width": 96, "depth": 4}}),
    "anchor: persistence": Variant({"anchor": {"kind": "persistence"}}),
    "weight: learned": Variant({"diffusion": {"weight": "learned"}}),
    "levels: log-uniform": Variant({"diffusion": {"time_distribution": "log-uniform"}}),
    "optimiser: muon": Variant({"training": {"optimiser": "muon"}}),
    "objective: crps": Variant({"sampler": ONE_EVALUATION, "finetuning": [CRPS]}, crps_share=1.0),
    "objective: denoising, crps": Variant({"sampler": ONE_EVALUATION, "finetuning": [CRPS]}, crps_share=0.5),
    "levels: adaptive": Variant({"diffusion": {"adaptive": True}}),
    "weight: min-snr": Variant({"diffusion": {"weight": "min-snr"}}),
    "path: vp-secant": family("vp-secant"),
    "path: vp-sigmoid": family("vp-sigmoid"),
    "weight: velocity of flow": Variant({"diffusion": {"path": "flow", "weight": "velocity"}}),
    "levels: rho-uniform": Variant({"diffusion": {"time_distribution": "rho-uniform"}}),
    "levels: logit-normal (0, 1)": Variant({"diffusion": {"log_sigma_mean": 0.0, "log_sigma_std": 1.0}}),
    "levels: log-normal (-1.2, 1.2)": Variant({"diffusion": {"log_sigma_mean": -1.2, "log_sigma_std": 1.2}}),
    "network: unet, patch 1": Variant({"network": {"patch": 1, "widths": [32, 64]}}),
    "anchor: harmonics": Variant({"anchor": {"kind": "linear", "space": "harmonics", "truncation": 15}}),
    "noise: isotropic": Variant({"diffusion": {"noise": "isotropic"}}),
    "step: 12 h": Variant({"state": {"step_hours": 12}}),
    "steps: 12 and 24 h": Variant({"training": {"step_hours": [12, 24]}}),
    "mirrored": Variant({"training": {"mirrored": True}}),
    "network: unet, patch 4": Variant({"network": {"patch": 4, "widths": [96, 160]}}),
    "network: dit, patch 4": Variant({"network": {"kind": "dit", "patch": 4, "width": 192, "depth": 4}}),
}
"""Harmonics, isotropic noise and mirrors are for globes, 12 hours for analyses that are there twice a day."""


def system_of(base: System, variant: Variant, seed: int) -> System:
    """The system of a run."""
    content = base.model_dump(mode="json", exclude_unset=True)
    last_day = base.periods.validation.start - timedelta(days=1)
    training_period = {"start": str(base.periods.training.start), "end": str(last_day)}
    for changes in (BASE, variant.changes, {"periods": {"training": training_period}, "training": {"seed": seed}}):
        for name, section in changes.items():
            content[name] = section if name in WHOLE else {**content.get(name, {}), **section}
    return parse_system(content, origin=f"variant of {base.name}")


def with_iterations(system: System, denoising: int, crps: int) -> System:
    """The same system with stages of these lengths."""
    content = system.model_dump(mode="json", exclude_unset=True)
    content["training"]["iterations"] = denoising
    content["finetuning"] = [{**stage, "iterations": crps} for stage in content.get("finetuning", [])]
    return parse_system(content, origin=f"variant of {system.name}")


def seconds_per_iteration(system: System, analysis: xr.Dataset) -> dict[str, float]:
    """CPU time of an iteration of each objective: the median of several, the first ones apart."""
    seconds: dict[str, list[float]] = {"denoising": [], "crps": []}
    with tempfile.TemporaryDirectory() as directory:
        last = time.process_time()
        for progress in train(with_iterations(system, PROBED, PROBED), analysis, Path(directory)):
            seconds["denoising" if progress.stage == "denoising" else "crps"].append(time.process_time() - last)
            last = time.process_time()
    return {name: statistics.median(values[3:-1]) for name, values in seconds.items() if values}


def iterations_of(variant: Variant, cost: Mapping[str, float], seconds: float) -> tuple[int, int]:
    """Iterations of denoising and of CRPS that fit into the time; at least one, as every training has a first stage."""
    denoising = max(1, round((1.0 - variant.crps_share) * seconds / cost["denoising"]))
    return denoising, max(1, round(variant.crps_share * seconds / cost.get("crps", math.inf)))


def cost_key(system: System) -> str:
    """What decides how long an iteration takes."""
    training = system.training
    deciding = system.model_dump(mode="json", include={"network", "finetuning"})
    return json.dumps([deciding, training.optimiser, training.batch_size, training.precision], sort_keys=True)


@torch.inference_mode()
def scores_on_validation_year(checkpoint: Checkpoint, analysis: xr.Dataset) -> dict[str, Any]:
    """Fair CRPS, in standard deviations of the anomaly, and spread/skill, by channel and lead in hours.

    Every model sees the same starts, evenly spaced over the year, and the same noise.
    """
    system, area = checkpoint.system, checkpoint.grid.area_weights()
    names, step_hours = system.state.predictands, system.state.step_hours
    samples, chosen = validation_samples(system, checkpoint.standardiser, analysis)
    batch = samples.batch(chosen)
    found: dict[str, Any] = {name: {"crps": {}, "spread_skill": {}} for name in names}
    for lead_step, members in enumerate(forecast(checkpoint, batch), start=1):
        if (hours := lead_step * step_hours) in LEAD_HOURS:
            scores = channel_scores(members, batch.following[:, lead_step - 1], area)
            for name, crps, spread_skill in zip(names, *scores, strict=True):
                found[name]["crps"][str(hours)] = float(crps)
                found[name]["spread_skill"][str(hours)] = float(spread_skill)
    deviations = zip(names, checkpoint.standardiser.std, strict=True)
    return {name: found[name] | {"standard_deviation": float(deviation)} for name, deviation in deviations}


def validation_samples(system: System, standardiser: Standardiser, analysis: xr.Dataset) -> tuple[Samples, Tensor]:
    """All samples of the validation year, and which of them are scored: starts at midnight, evenly over the year."""
    year = in_period(analysis[list(system.state.predictands)], system.periods.validation)
    samples = make_samples(year, standardiser, system, lead_steps=LEAD_HOURS[-1] // system.state.step_hours)
    times = pd.DatetimeIndex(year["time"].values[samples.starts[:, samples.past_states - 1]])
    midnight = torch.from_numpy(np.flatnonzero(times.hour == 0))
    return samples, midnight[torch.linspace(0, len(midnight) - 1, STARTS).long()]


def forecast(checkpoint: Checkpoint, batch: SampleBatch) -> Iterator[Tensor]:
    """States (member, start, channel, latitude, longitude) after each lead step, in the precision of the training."""
    model, sampler = checkpoint.model, checkpoint.system.sampler
    model.training_dtype = torch.bfloat16 if checkpoint.system.training.precision == "bfloat16" else None
    generator = torch.Generator().manual_seed(NOISE_SEED)
    past = batch.past.repeat(MEMBERS, 1, 1, 1, 1)
    for lead_step in range(batch.following.shape[1]):
        scalars = batch.scalars[:, lead_step].repeat(MEMBERS, 1)
        noise = torch.randn(past[:, -1].shape, generator=generator)
        parts = zip(past.split(TOGETHER), scalars.split(TOGETHER), noise.split(TOGETHER), strict=True)
        state = torch.cat([advance(model, sampler, *part, lambda _, own=own: own) for *part, own in parts])
        if batch.lower_bounds is not None:
            state = censored(state, batch.lower_bounds[:, lead_step].repeat(MEMBERS, 1, 1, 1))
        yield state.unflatten(0, (MEMBERS, STARTS))
        past = torch.cat([past[:, 1:], state[:, None]], dim=1)


def channel_scores(members: Tensor, analysis: Tensor, area: Tensor) -> tuple[Tensor, Tensor]:
    """Fair CRPS and spread/skill of each channel, over starts and area."""
    crps = almost_fair_crps(members, analysis, fairness=1.0)
    variance = (members.var(dim=0) * area).mean(dim=(0, 2, 3)) * (MEMBERS + 1) / MEMBERS
    error = ((members.mean(dim=0) - analysis).square() * area).mean(dim=(0, 2, 3))
    return (crps * area).mean(dim=(0, 2, 3)), (variance / error).sqrt()


def baseline_scores(system: System, analysis: xr.Dataset) -> dict[str, Any]:
    """What the linear baseline and climatology reach from the same starts, fitted on the same years."""
    names, periods = system.state.predictands, system.periods
    days = np.datetime64(periods.training.start), np.datetime64(periods.training.end)
    step_hours, eofs = system.state.step_hours, system.verification.baseline_eofs
    baselines = fit_baselines(analysis, days, step_hours=step_hours, channels=names, eofs=eofs)
    standardiser = Standardiser.fit(in_period(analysis, periods.training), names)
    samples, chosen = validation_samples(system, standardiser, analysis)
    times = in_period(analysis, periods.validation)["time"].values[samples.starts[chosen, samples.past_states - 1]]
    leads = np.array(LEAD_HOURS, dtype="timedelta64[h]").astype("timedelta64[ns]")
    found = {}
    for kind in ("linear", "climatology"):
        sums = EvaluationSums()
        for start in times:
            members = baselines.forecast(kind, analysis, start, leads, BASELINE_MEMBERS, NOISE_SEED)
            came = analysis[list(names)].sel(time=start + leads).rename(time="lead_time").assign_coords(lead_time=leads)
            sums.add(members, came)
        found[kind] = sums.scores()
    return found


@torch.inference_mode()
def cost_of_a_step(checkpoint: Checkpoint) -> dict[str, float]:
    """Network evaluations of one lead step, and floating-point operations of one of them, for one member."""
    state, evaluations = checkpoint.system.state, []
    past = torch.zeros(1, state.past_states, len(state.predictands), *checkpoint.grid.shape)
    handle = checkpoint.model.network.register_forward_hook(lambda *_: evaluations.append(1))
    with FlopCounterMode(display=False) as counter:
        scalars = torch.zeros(1, SCALARS)
        advance(checkpoint.model, checkpoint.system.sampler, past, scalars, lambda _: torch.zeros_like(past[:, -1]))
    handle.remove()
    return {"evaluations": len(evaluations), "flop_per_evaluation": counter.get_total_flops() / len(evaluations)}


def run(system: System, analysis: xr.Dataset) -> dict[str, Any]:
    """Train and score one variant with one seed."""
    started = time.process_time()
    with tempfile.TemporaryDirectory() as directory:
        moments = [time.process_time() for _ in train(system, analysis, Path(directory))]
        checkpoint = load_checkpoint(Path(directory))
    trained = time.process_time()
    scores = scores_on_validation_year(checkpoint, analysis)
    return {
        "iterations": len(moments),
        "weights": sum(value.numel() for value in checkpoint.model.parameters()),
        "training_cpu_s": moments[-1] - moments[0],
        "preparing_cpu_s": moments[0] - started,
        "scoring_cpu_s": time.process_time() - trained,
        **cost_of_a_step(checkpoint),
        "scores": scores,
    }


def sweep(base: System, analysis: xr.Dataset, out: Path, options: argparse.Namespace) -> None:
    """Make every run that is missing, seed by seed, so that what is there can be compared at any time."""
    out.mkdir(parents=True, exist_ok=True)
    if not (out / REFERENCES).exists():
        write(out / REFERENCES, baseline_scores(system_of(base, VARIANTS["base"], 0), analysis))
    for seed in options.seeds:
        for name in options.only or VARIANTS:
            path = out / f"{name.replace(': ', '-').replace(' ', '-')}-{seed}.json"
            if path.exists():
                continue
            system = system_of(base, VARIANTS[name], seed)
            cost = known_cost(system, analysis, out / "costs.json")
            lengths = iterations_of(VARIANTS[name], cost, options.seconds)
            result = run(with_iterations(system, *lengths), analysis)
            about = {"variant": name, "seed": seed, "seconds": options.seconds, "commit": commit()}
            write(path, {**about, **result})
            write_durably(out / "table.md", table(out, VARIANTS))
            print(f"{name} seed {seed}: {result['iterations']} iterations, {result['scores']}", flush=True)


def known_cost(system: System, analysis: xr.Dataset, path: Path) -> dict[str, float]:
    """CPU time of an iteration, measured once for all systems that cost the same."""
    known: dict[str, dict[str, float]] = json.loads(path.read_text()) if path.exists() else {}
    key = cost_key(system)
    if key not in known:
        known[key] = seconds_per_iteration(system, analysis)
        write(path, known)
    return known[key]


def commit() -> str:
    """What was run."""
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def write(path: Path, content: object) -> None:
    write_durably(path, json.dumps(content, indent=1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("system", type=Path, help="system file")
    parser.add_argument("archive", type=Path, help="Zarr archive of its dataset")
    parser.add_argument("out", type=Path, help="directory of the results")
    parser.add_argument("--seconds", type=float, default=24.0, help="CPU seconds of each training")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--only", nargs="+", choices=list(VARIANTS), help="variants; all when absent")
    options = parser.parse_args()
    torch.set_num_threads(1)
    base = read_system(options.system)
    wanted = list(base.state.predictands + base.state.static)
    first, last = str(base.periods.training.start), str(base.periods.validation.end)
    opened = xr.open_zarr(options.archive, consolidated=False)
    sweep(base, opened[wanted].sel(time=slice(first, last)).load(), options.out, options)
    print(table(options.out, VARIANTS))


if __name__ == "__main__":
    main()
