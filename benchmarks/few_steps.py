"""Skill, spread and spectrum by number of network evaluations per lead step, from many sampling steps to one.

    python benchmarks/few_steps.py --analysis ARCHIVE --denoiser DIR --tuned DIR --out few-steps.md

All variants forecast the same starts; each has its own noise, which depends on model and sampler. The CRPS is
the fair one in standard deviations of the analysis, averaged over channels. The spectrum is that of single members
relative to the analysis, averaged over channels, at the wavenumbers where the ratio is smallest and largest.
"""

import argparse
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
import xarray as xr

from data_catalog.archive.analysis import open_analysis
from forecast.checkpoints.checkpoint import Checkpoint
from forecast.checkpoints.files import load_checkpoint
from forecast.members.gather import ensemble_forecast, lead_times
from forecast.system.system import System
from forecast.verification import area_weights, crps, spectrum
from forecast.verification.cycle_scores import verifying_analysis
from pipelines.workspace.systems import find_system

SPACE = ("latitude", "longitude")


@dataclass(frozen=True)
class Variant:
    """A checkpoint with a sampler."""

    name: str
    checkpoint: Checkpoint
    sampler: dict[str, object]
    evaluations: int

    @property
    def system(self) -> System:
        system = self.checkpoint.system
        return system.changed(
            sampler=system.sampler.changed(**self.sampler), forecast=system.forecast.changed(batch_size=20)
        )


def variants(denoiser: Checkpoint, tuned: Checkpoint) -> list[Variant]:
    """Return the variants, from 39 evaluations down to 1; all Heun samplers start at `sigma_max`."""
    many = {"kind": "heun", "sigma_min": 0.03, "sigma_max": 80.0}
    short = {"kind": "heun", "sigma_min": 0.03, "sigma_max": 40.0}
    rows = [
        Variant("denoiser, Heun", denoiser, many | {"sampling_steps": 20}, 39),
        Variant("denoiser, Heun", denoiser, many | {"sampling_steps": 10}, 19),
        Variant("denoiser, Heun", denoiser, short | {"sampling_steps": 7}, 13),
        Variant("denoiser, Heun", denoiser, short | {"sampling_steps": 4}, 7),
        Variant("denoiser, DPM-Solver++(2M)", denoiser, short | {"kind": "dpmpp-2m", "sampling_steps": 10}, 10),
        Variant("denoiser, DPM-Solver++(2M)", denoiser, short | {"kind": "dpmpp-2m", "sampling_steps": 6}, 6),
        Variant("denoiser, DPM-Solver++(2M)", denoiser, short | {"kind": "dpmpp-2m", "sampling_steps": 4}, 4),
        Variant("denoiser, Euler", denoiser, short | {"kind": "euler", "sampling_steps": 2}, 2),
        Variant("denoiser, Euler", denoiser, short | {"kind": "euler", "sampling_steps": 1}, 1),
    ]
    sampler = find_system(tuned.system.name).sampler
    steps, plain = sampler.sampling_steps, replace(tuned, calibration=None)
    if len(tuned.models) > 1:
        rows.append(Variant("fine-tuned by CRPS, one network", plain.of_member(0), sampler.model_dump(), steps))
    name = "fine-tuned by CRPS" + (f", {len(tuned.models)} networks" if len(tuned.models) > 1 else "")
    rows.append(Variant(name, plain, sampler.model_dump(), steps))
    if tuned.calibration is not None:
        corrected = tuned.calibration.correction(1) is not None
        rows.append(Variant(f"{name}, calibrated", tuned, sampler.model_dump(), steps * (1 + corrected)))
    return rows


def measure(
    variant: Variant, analysis: xr.Dataset, starts: list[np.datetime64], members: int, lead_steps: int
) -> tuple[list[tuple[float, float, float, float]], float]:
    """Return CRPS, spread/skill and extreme spectral ratios by lead time, and milliseconds per member and step."""
    channels = variant.system.state.predictands
    area = area_weights(analysis["latitude"])
    parts, seconds = [], 0.0
    for start in starts:
        began = time.process_time()
        made = ensemble_forecast(
            variant.checkpoint, variant.system, analysis, start, members=members, lead_steps=lead_steps
        )
        seconds += time.process_time() - began
        verifying = verifying_analysis(analysis, channels, start, lead_times(variant.system, lead_steps))
        both = [data.to_dataarray("channel").drop_vars("init_time", errors="ignore") for data in (made, verifying)]
        forecast, truth = both[0], both[1].transpose("channel", "lead_time", *SPACE)
        variance = forecast.var("member", ddof=1).weighted(area).mean(SPACE)
        error = np.square(forecast.mean("member") - truth).weighted(area).mean(SPACE)
        parts.append(
            xr.Dataset(
                {
                    "crps": crps(forecast, truth, reduce=SPACE, weights=area),
                    "variance": variance * (members + 1) / members,
                    "error": error,
                    "power": spectrum(forecast.isel(member=slice(4))).mean("member"),
                    "analysis_power": spectrum(truth),
                }
            )
        )
    pooled = xr.concat(parts, "start").mean("start")
    scale = analysis[list(channels)].std().to_dataarray("channel")
    ratio = (pooled["power"] / pooled["analysis_power"]).mean("channel").isel(wavenumber=slice(1, None))
    table = [
        (
            float((pooled["crps"] / scale).isel(lead_time=index).mean()),
            float(np.sqrt(pooled["variance"] / pooled["error"]).isel(lead_time=index).mean()),
            float(ratio.isel(lead_time=index).min()),
            float(ratio.isel(lead_time=index).max()),
        )
        for index in range(lead_steps)
    ]
    return table, 1000 * seconds / (len(starts) * members * lead_steps)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--analysis", type=Path, required=True)
    parser.add_argument("--denoiser", type=Path, required=True, help="checkpoint of the denoising stage")
    parser.add_argument("--tuned", type=Path, required=True, help="checkpoint fine-tuned for few evaluations")
    parser.add_argument("--start", default="2008-01-06")
    parser.add_argument("--starts", type=int, default=8)
    parser.add_argument("--every", type=int, default=44, help="days between starts")
    parser.add_argument("--members", type=int, default=10)
    parser.add_argument("--leads", type=int, nargs="+", default=[1, 3, 5, 10], help="lead steps shown")
    parser.add_argument("--only", default="", help="variants whose name has this in it")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    denoiser, tuned = load_checkpoint(options.denoiser), load_checkpoint(options.tuned)
    state = tuned.system.state
    analysis = open_analysis(options.analysis, state.predictands, state.static)
    first = np.datetime64(options.start, "ns")
    starts = [first + index * np.timedelta64(options.every, "D") for index in range(options.starts)]
    header = " | ".join(f"{lead} d" for lead in options.leads)
    lines = [
        f"{options.starts} starts from {options.start}, {options.members} members; "
        "CRPS (spread/skill) [spectrum, worst ratios]",
        "",
        f"| weights, sampler | evaluations | {header} | ms a member and step |",
        "|---|---|" + "---|" * (len(options.leads) + 1),
    ]
    print("\n".join(lines), flush=True)
    for variant in (each for each in variants(denoiser, tuned) if options.only in each.name):
        table, cost = measure(variant, analysis, starts, options.members, max(options.leads))
        cells = " | ".join(
            f"{score:.3f} ({spread:.2f}) [{low:.2f}-{high:.2f}]"
            for score, spread, low, high in (table[lead - 1] for lead in options.leads)
        )
        lines.append(f"| {variant.name} | {variant.evaluations} | {cells} | {cost:.0f} |")
        print(lines[-1], flush=True)
    if options.out:
        options.out.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
