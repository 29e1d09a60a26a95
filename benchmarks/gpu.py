"""What a GPU makes of Plumecast, in minutes: members, training steps, memory against `doctor`'s promise, the loader.

    python benchmarks/gpu.py [--minutes 3] [--device cuda] [--out DIR]
    python benchmarks/gpu.py --tiny --device cpu            # the same in seconds, to keep it working

Weights are random and the weather of the large systems is noise: speed and memory depend on neither. Figures are
medians after a warm-up, with the device synchronised. The peak is that of a large matrix product in bfloat16 (where the
device has it), measured here. `promised` is what `plumecast doctor SYSTEM` computes. A figure that does not fit the
memory or the minutes is a row that says so. Writes `gpu.json` and `gpu.md` into DIR.
"""

import argparse
import json
import platform
import statistics
import time
from functools import partial
from pathlib import Path

import numpy as np
import torch
import xarray as xr
from gpu_table import markdown
from sampling import bundled, small_system

from data_catalog.catalog import dataset
from forecast import verification
from forecast.diffusion.samplers import network_evaluations
from forecast.model.costs import costs
from forecast.model.step_model import StepModel
from forecast.parallel.ranks import ALONE
from forecast.parallel.sharding import distribute
from forecast.sphere.grid import Grid
from forecast.states.conditions import SCALARS
from forecast.states.standardiser import Standardiser
from forecast.training.averaged_weights import AveragedWeights
from forecast.training.objectives import Denoising, Losses
from forecast.training.optimiser import Optimiser
from forecast.training.precision import fast_precision
from forecast.training.random_numbers import RandomNumbers
from forecast.training.sample_batch import SampleBatch
from forecast.training.samples import in_period, make_samples, shuffled
from pipelines.workspace.devices import choose_device
from pipelines.workspace.systems import find_system

SYSTEMS = ("speedy-5p6", "era5-1p5", "era5-0p25")
MEMBERS, FEW_MEMBERS = (1, 8, 50), (1, 2, 4)
LATE = "left out: the minutes are over"
REPEAT, LONG_S = 7, 2.0
"""Calls that a median is of, and the seconds after which fewer must do."""


class Bench:
    """Where and how long to measure.

    Args:
        device: PyTorch device.
        minutes: Nothing is begun after these.
        tiny: Whether to measure a small form of everything.
    """

    def __init__(self, device, minutes, tiny):
        self.device, self.tiny, self.deadline = torch.device(device), tiny, time.monotonic() + 60 * minutes
        self.dtype = fast_precision(self.device)
        self.on_gpu = self.device.type == "cuda"

    def synchronise(self):
        if self.on_gpu:
            torch.cuda.synchronize(self.device)

    def seconds(self, run, warm_up=2):
        """Return the median seconds of a call, and the most memory that one took (None on a CPU)."""
        for _ in range(1 if self.tiny else warm_up):
            run()
        self.synchronise()
        if self.on_gpu:
            torch.cuda.reset_peak_memory_stats(self.device)
        taken, begun = [], time.monotonic()
        while len(taken) < (1 if self.tiny else REPEAT) and (not taken or time.monotonic() - begun < LONG_S):
            start = time.perf_counter()
            run()
            self.synchronise()
            taken.append(time.perf_counter() - start)
        return statistics.median(taken), torch.cuda.max_memory_allocated(self.device) if self.on_gpu else None

    def row(self, row, measure):
        """Return a row with what was measured, or with why nothing was."""
        if time.monotonic() > self.deadline:
            return row | {"failed": LATE}
        try:
            return row | measure()
        except torch.OutOfMemoryError:
            return row | {"failed": "out of memory"}
        except RuntimeError as error:  # such as a compiler that is not there; the other rows are still worth having
            return row | {"failed": f"{type(error).__name__}: {str(error).strip().splitlines()[0][:150]}"}
        finally:
            if self.on_gpu:
                torch.cuda.empty_cache()


LARGEST_ROWS = 181
"""Above this, networks are measured with white noise: the covariance of isotropic noise takes minutes of a core before
the first step, and its products are a five-hundredth of a step's arithmetic."""


def chosen_systems(tiny):
    """Return the systems to measure, one network each, as they are or small enough for seconds on a CPU."""
    for name in SYSTEMS:
        system = find_system(name)
        system = system.changed(anchor=system.anchor.changed(cross_fitted=False))  # which takes the weather of years
        if tiny:
            small = {"widths": [8] * len(system.network.widths), "blocks": 1, "position_features": 1}
            system = system.changed(network=system.network.changed(**small))
            system = system.changed(training=system.training.changed(batch_size=4, micro_batch_size=2))
        yield system


def grid_of_system(system, tiny):
    grid = Grid(*dataset(system.dataset).grid.coordinates())
    if not tiny or grid.shape[0] == 32:
        return grid
    return Grid(np.linspace(-90.0, 90.0, 33), np.arange(64) * 360 / 64)  # points on the poles, as the large grids have


def build(system, grid, bench):
    if grid.shape[0] > LARGEST_ROWS:
        system = system.changed(diffusion=system.diffusion.changed(noise="white"))
    static = torch.zeros(len(system.state.static), *grid.shape)
    return StepModel(system, grid, static).to(bench.device)


def peak(bench):
    """Return the rate of a large matrix product, operations per second."""
    size = 512 if bench.tiny else 8192 if bench.on_gpu else 2048
    a, b = (torch.randn(size, size, device=bench.device, dtype=bench.dtype) for _ in range(2))
    return 2 * size**3 / bench.seconds(lambda: a @ b)[0]


def sampling_rows(bench, system, grid, promised, rate):
    """How fast members of a whole forecast are made: each lead step takes `evaluations` calls of the network."""
    model = build(system, grid, bench).eval()
    evaluations = network_evaluations(system.sampler.kind, system.sampler.sampling_steps)
    lead_steps = system.forecast.lead_days * 24 // system.state.step_hours
    weights = 4 * promised.parameters
    for precision in (None, bench.dtype)[: 1 if bench.dtype == torch.float32 else 2]:
        for members in FEW_MEMBERS if bench.tiny else MEMBERS:
            words = "float32" if precision is None else "bfloat16"

            def measure(members=members, precision=precision):
                model.training_dtype = precision
                seconds, memory = bench.seconds(partial(evaluate, model, system, members, bench.device))
                return {
                    "evaluation_seconds": seconds,
                    "members_per_second": members / (seconds * evaluations * lead_steps),
                    "share_of_peak": members * promised.evaluation_flops / seconds / rate,
                    "peak_bytes": memory,
                    "promised_bytes": weights + members * (promised.forecast_bytes - weights),
                    "evaluations": evaluations,
                }

            yield bench.row({"system": system.name, "precision": words, "members": members}, measure)


@torch.inference_mode()
def evaluate(model, system, members, device):
    state = system.state
    past = torch.randn(members, state.past_states, len(state.predictands), *model.grid.shape, device=device)
    scalars, sigma = torch.zeros(members, SCALARS, device=device), torch.full((members,), 10.0, device=device)
    return model.residual_denoiser(past, model.anchor(past, scalars), scalars)(past[:, -1], sigma)


def training_rows(bench, system, grid, promised, rate):
    """Whole training steps of denoising: loss, gradients, clipping, optimiser, average."""
    together = system.training.micro_batch_size or system.training.batch_size
    for compiled in (False, True):

        def measure(compiled=compiled):
            if compiled and bench.tiny:
                return {"failed": "left out: compiling takes minutes on a CPU"}
            seconds, memory = bench.seconds(training_step(bench, system, grid, together, compiled), warm_up=3)
            return {
                "step_seconds": seconds,
                "samples_per_second": together / seconds,
                "share_of_peak": together * promised.training_flops / seconds / rate,
                "peak_bytes": memory,
                "promised_bytes": promised.training_bytes(together),
            }

        yield bench.row({"system": system.name, "samples": together, "compiled": compiled}, measure)


def training_step(bench, system, grid, samples, compiled):
    """Return a function that trains a new model for one step on noise."""
    model, options, state = build(system, grid, bench), system.training, system.state
    model.training_dtype = bench.dtype if bench.dtype != torch.float32 else None
    losses, averaged = Losses(model), AveragedWeights(model)
    distribute(losses, ALONE, recompute=options.recompute_activations, compiled=compiled)
    optimiser = Optimiser(
        model, options.optimiser, learning_rate=options.learning_rate, weight_decay=options.weight_decay
    )
    shape, weights = (len(state.predictands), *grid.shape), grid.area_weights().to(bench.device)
    batch = SampleBatch(
        past=torch.randn(samples, state.past_states, *shape),
        following=torch.randn(samples, 1, *shape),
        scalars=torch.zeros(samples, 1, SCALARS),
        years=torch.full((samples,), 2001),
        mirrored=(torch.arange(samples) % 2 == 0).to(bench.device) if options.mirrored else None,
    ).to(bench.device)
    model.train()

    def step():
        random_numbers = RandomNumbers(0, 0, 0, range(samples), samples, device=bench.device.type)
        optimiser.zero_grad()
        losses(Denoising(), batch, weights, random_numbers).mean().backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), options.gradient_clip)
        optimiser.step()
        averaged.update(0.99)

    return step


def loader_row(bench, training):
    """How many samples of the bundled weather reach the device in a second, against a training step."""
    system = small_system("speedy-5p6")
    batch = system.training.batch_size

    def measure():
        analysis = in_period(bundled(system), system.periods.training)
        fitted = Standardiser.fit(analysis, system.state.predictands)
        samples = make_samples(analysis, fitted, system, pin=bench.on_gpu)
        choices = [shuffled(len(samples), batch, number, seed=0) for number in range(8 if bench.tiny else 100)]

        def read():
            for each in samples.stream(choices, 1):
                each.to(bench.device)

        rate = len(choices) * batch / bench.seconds(read, warm_up=1)[0]
        steps = [row["samples_per_second"] for row in training if row["system"] == "speedy-5p6" and "failed" not in row]
        return {"samples_per_second": rate, "times_the_step": rate / max(steps) if steps else None}

    return bench.row({"system": "speedy-5p6"}, measure)


def verification_row(bench):
    """The fused pass of the scores, which runs on the CPU: one ensemble of 50 members."""
    shape = (50, 2, 32, 64) if bench.tiny else (50, 20, 121, 240)
    dims = ("member", "lead_time", "latitude", "longitude")

    def measure():
        rng = np.random.default_rng(0)
        ensemble = xr.DataArray(rng.standard_normal(shape, dtype=np.float32), dims=dims)
        analysis = xr.DataArray(rng.standard_normal(shape[1:], dtype=np.float32), dims=dims[1:])
        run = partial(verification.ensemble_statistics, ensemble, analysis, threshold=(-1.0, 0.0, 1.0))
        return {"seconds": bench.seconds(run, warm_up=1)[0]}

    return bench.row({"values": " x ".join(map(str, shape))}, measure)


def machine(bench):
    name = torch.cuda.get_device_name(bench.device) if bench.on_gpu else platform.processor() or platform.machine()
    return {"device": bench.device.type, "name": name, "torch": torch.__version__, "tiny": bench.tiny}


def run(bench):
    """Return all figures, by table."""
    rate = peak(bench)
    precision = str(bench.dtype).removeprefix("torch.")
    result = {
        "machine": machine(bench),
        "peak": {"precision": precision, "flops": rate},
        "sampling": [],
        "training": [],
    }
    for system in chosen_systems(bench.tiny):
        grid = grid_of_system(system, bench.tiny)
        promised = costs(system, grid)
        result["sampling"] += sampling_rows(bench, system, grid, promised, rate)
        result["training"] += training_rows(bench, system, grid, promised, rate)
        if "loader" not in result:  # before the large systems, which take the rest of the minutes
            result["loader"], result["verification"] = loader_row(bench, result["training"]), verification_row(bench)
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--tiny", action="store_true", help="small networks and grids: seconds on a CPU")
    parser.add_argument("--out", type=Path, default=Path("gpu-figures"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    result = run(Bench(choose_device(options.device), options.minutes, options.tiny))
    (options.out / "gpu.json").write_text(json.dumps(result, indent=1))
    (options.out / "gpu.md").write_text(markdown(result))
    print(markdown(result))


if __name__ == "__main__":
    main()
