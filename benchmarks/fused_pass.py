"""The fused pass and what comes near it, at several ensemble sizes and both memory layouts, each in its own process.

    python benchmarks/fused_pass.py [--members 50 200 1000] [--rounds 5] [--repeat 3] [--bounded | --threads | --depths]

Every contender gets the members first and last in memory, and is judged by its better layout. Reported for each:
process CPU time (median over rounds, in which all take their turn, of the median of several runs after a warm-up that
compiles), nanoseconds a value, memory on top of the input at the peak, and the time as a multiple of reading the
ensemble once and of all our statistics (medians of the ratios in a round). `--bounded` scores a synthetic ensemble of
8 GB from Zarr instead, and reports the peak memory of the whole process; `--threads` compares two threads with two
independent loops; `--depths` times the pass itself, by what is asked for.

Needs the `benchmark` extra.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

THRESHOLDS = (-1.0, 0.0, 1.0)
LEADS = {50: 20, 200: 5, 1000: 1}
GRID = (121, 240)
LAYOUTS = ("first", "last")
READING, OURS = "reading once (numpy sum)", "ours: all statistics, 3 thresholds"
LONG_S = 10.0
ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "NUMBA")}


def contenders() -> dict[str, Callable[[object, object], object]]:
    """Functions of an ensemble, members on its first axis whatever its memory, and an analysis."""
    import numpy as np
    import xarray as xr

    from forecast import verification as ours
    from forecast.verification.ensemble_pass import statistics as ensemble_pass

    def pair(x, y):
        dims = ("lead_time", "latitude", "longitude")
        return xr.DataArray(x, dims=("member", *dims)), xr.DataArray(y, dims=dims)

    def everything(x, y):
        return ours.ensemble_statistics(*pair(x, y), threshold=THRESHOLDS)

    def without_numba(x, y):
        kept, ensemble_pass.kernels = ensemble_pass.kernels, None
        result = everything(x, y)
        ensemble_pass.kernels = kept
        return result

    def rank_histogram(x, y):
        return ours.rank_histogram(*pair(x, y), reduce=("lead_time", "latitude", "longitude"))

    def sorting(x, y):
        members = np.sort(x, axis=0)
        count = len(x)
        weights = (2 * np.arange(count, dtype=x.dtype) + 1 - count) / (count * (count - 1))
        return np.abs(x - y).mean(0) - np.tensordot(weights, members, 1)

    def properscoring(x, y):
        import properscoring

        return properscoring.crps_ensemble(y, x, axis=0)

    def xskillscore(x, y):
        import xskillscore

        forecast, analysis = pair(x, y)
        return xskillscore.crps_ensemble(analysis, forecast, dim=[])

    def xskillscore_ranks(x, y):
        import xskillscore

        forecast, analysis = pair(x, y)
        return xskillscore.rank_histogram(analysis, forecast)

    def comparing(x, y):
        return np.bincount((x < y).sum(0).ravel(), minlength=len(x) + 1)

    def scoringrules(estimator):
        def crps(x, y):
            import scoringrules

            return scoringrules.crps_ensemble(y, np.moveaxis(x, 0, -1), estimator=estimator, backend="numba")

        return crps

    def scores(x, y):
        from scores.probability import crps_for_ensemble

        forecast, analysis = pair(x, y)
        return crps_for_ensemble(forecast, analysis, "member", method="fair", preserve_dims="all")

    def scores_ranks(x, y):
        from scores.probability import rank_histogram

        return rank_histogram(*pair(x, y), "member")

    return {
        READING: lambda x, y: x.sum(),
        OURS: everything,
        "ours: the same without numba": without_numba,
        "ours: fair crps": lambda x, y: ours.crps(*pair(x, y)),
        "ours: rank histogram": rank_histogram,
        "numpy sort: fair crps": sorting,
        "numpy compare: rank histogram, no ties": comparing,
        "properscoring: plain crps": properscoring,
        "xskillscore: plain crps": xskillscore,
        "scoringrules numba qd: plain crps": scoringrules("qd"),
        "scoringrules numba pwm: fair crps": scoringrules("pwm"),
        "scoringrules numba fair: fair crps": scoringrules("fair"),
        "scoringrules numba akr: an approximation": scoringrules("akr"),
        "scores: fair crps": scores,
        "scores: rank histogram": scores_ranks,
        "xskillscore: rank histogram": xskillscore_ranks,
    }


def _kilobytes(field: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1])
    raise RuntimeError(f"expected {field} in /proc/self/status")


def measure(name: str, layout: str, members: int, repeat: int) -> dict[str, float]:
    """In a process of its own."""
    import numpy as np

    warnings.simplefilter("ignore")
    run = contenders()[name]
    rng = np.random.default_rng(0)
    x = rng.standard_normal((members, LEADS.get(members, 1), *GRID), dtype=np.float32)
    y = rng.standard_normal(x.shape[1:], dtype=np.float32)
    if layout == "last":
        x = np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 0, -1)), -1, 0)
    run(x[:, :1, :16].copy("K"), y[:1, :16].copy())
    run(x[:, :1], y[:1])
    Path("/proc/self/clear_refs").write_text("5")
    before, seconds = _kilobytes("VmRSS"), []
    while len(seconds) < repeat and sum(seconds) < LONG_S:
        start = time.process_time()
        result = run(x, y)
        seconds.append(time.process_time() - start)
        del result
    return {"cpu_s": statistics.median(seconds), "extra": (_kilobytes("VmHWM") - before) * 1024 / x.nbytes}


def measured_apart(name: str, layout: str, members: int, repeat: int) -> dict[str, float]:
    command = [sys.executable, __file__, "--one", name, "--layout", layout]
    command += ["--members", str(members), "--repeat", str(repeat)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **ONE_THREAD}, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{name}: {done.stderr.strip().splitlines()[-1]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def table(members: int, rounds: int, repeat: int) -> None:
    runs = {(name, layout): [] for name in contenders() for layout in LAYOUTS}
    for _ in range(rounds):
        for (name, layout), rows in runs.items():
            if not rows or rows[0]["cpu_s"] < LONG_S:
                rows.append(measured_apart(name, layout, members, repeat))
    print(f"\n{members} members x {LEADS.get(members, 1)} x {GRID[0]} x {GRID[1]}, float32\n")
    print("| | CPU s, members first | last | ns a value | extra memory / input | times reading once | times our pass |")
    print("|---|---|---|---|---|---|---|")
    values = members * LEADS.get(members, 1) * GRID[0] * GRID[1]
    for name in contenders():
        typical = {layout: statistics.median(row["cpu_s"] for row in runs[name, layout]) for layout in LAYOUTS}
        best = min(LAYOUTS, key=typical.__getitem__)
        extra = statistics.median(row["extra"] for row in runs[name, best])
        reading, ours = (_times(runs[name, best], runs[reference, "first"]) for reference in (READING, OURS))
        print(
            f"| {name} | {typical['first']:.3f} | {typical['last']:.3f} | {typical[best] / values * 1e9:.2f} ", end=""
        )
        print(f"| {extra:.2f} | {reading:.1f} | {ours:.2f} |")


def _times(rows: list[dict[str, float]], reference: list[dict[str, float]]) -> float:
    return statistics.median(row["cpu_s"] / other["cpu_s"] for row, other in zip(rows, reference, strict=False))


def bounded() -> None:
    """50 members x 40 leads x 721 x 1440, made and scored chunk by chunk."""
    import dask
    import dask.array as da
    import numpy as np
    import xarray as xr

    with tempfile.TemporaryDirectory() as directory:
        store = Path(directory) / "ensemble.zarr"
        shape = (50, 40, 721, 1440)
        blocks = da.random.default_rng(0).standard_normal(shape, chunks=(50, 1, 103, 1440), dtype=np.float32)
        latitude, longitude = np.linspace(-90, 90, 721), np.arange(1440) * 0.25
        lead_time = (np.arange(1, 41) * np.timedelta64(6, "h")).astype("timedelta64[ns]")
        coords = {"lead_time": lead_time, "latitude": latitude, "longitude": longitude}
        dims = ("lead_time", "latitude", "longitude")
        forecast = xr.DataArray(blocks, dims=("member", *dims), coords=coords, name="forecast")
        analysis = xr.DataArray(blocks[0] * 0.5, dims=dims, coords=coords, name="analysis")
        with dask.config.set(scheduler="threads", num_workers=2):
            xr.merge([forecast, analysis]).to_zarr(store, zarr_format=3, consolidated=False)
            command = [sys.executable, __file__, "--score", str(store)]
            subprocess.run(command, check=True)


def score_store(store: str) -> None:
    import dask
    import xarray as xr

    from forecast import verification as ours

    opened = xr.open_zarr(store, consolidated=False)
    start = time.perf_counter()
    sums = ours.EvaluationSums()
    with dask.config.set(scheduler="threads", num_workers=2):
        sums.add(opened[["forecast"]], opened[["analysis"]].rename(analysis="forecast"))
    found = sums.scores()["forecast"]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    values = opened["forecast"].nbytes / 2**30
    print(f"{values:.1f} GiB scored in {time.perf_counter() - start:.0f} s, {peak:.2f} GiB of memory at the peak")
    for name in ("crps", "rmse", "spread_skill"):
        print(name, sum(found[name].values()) / len(found[name]))


def depths(rounds: int) -> None:
    """CPU time of the pass itself, without xarray, over that of reading the ensemble once, by what is asked for."""
    import numpy as np

    from forecast.verification.ensemble_pass import statistics as ensemble_pass

    rng = np.random.default_rng(0)
    x, y = (rng.standard_normal((*first, 20, *GRID), dtype=np.float32) for first in ((50,), ()))
    last = np.moveaxis(x, 0, -1)

    def seconds(run: Callable[[], object]) -> float:
        start = time.process_time()
        run()
        return time.process_time() - start

    for sums, thresholds in ((5, THRESHOLDS), (5, ()), (3, THRESHOLDS), (2, ()), (0, THRESHOLDS), (0, ())):
        options = {"thresholds": thresholds, "least": 50, "sums": sums}

        def run(options: dict[str, object] = options) -> object:
            return ensemble_pass._statistics(last, y, **options)

        run()
        pairs = [(seconds(run), seconds(x.sum)) for _ in range(rounds)]
        ratios = np.quantile([ours / reading for ours, reading in pairs], [0.25, 0.5, 0.75])
        print(f"{sums} sums, {len(thresholds)} thresholds: {ratios.round(2).tolist()} times reading once (quartiles)")


def threaded(rounds: int) -> None:
    """Wall time of the pass by one thread, by two, and by two independent loops of one thread on half of it each."""
    import threading

    import numpy as np

    from forecast.verification.ensemble_pass import statistics as ensemble_pass
    from forecast.verification.ensemble_pass import threads

    rng = np.random.default_rng(0)
    x, y = (rng.standard_normal((*first, 20, *GRID), dtype=np.float32) for first in ((50,), ()))
    last = np.moveaxis(x, 0, -1)

    def whole() -> None:
        ensemble_pass._statistics(last, y, thresholds=THRESHOLDS, least=50, sums=5)

    def apart() -> None:
        halves = [slice(None, 10), slice(10, None)]
        options = {"thresholds": THRESHOLDS, "least": 50, "sums": 5}
        loops = [
            threading.Thread(target=ensemble_pass._statistics, args=(last[half], y[half]), kwargs=options)
            for half in halves
        ]
        for loop in loops:
            loop.start()
        for loop in loops:
            loop.join()

    ways = {"one thread": (1, whole), "two threads": (2, whole), "two independent loops": (1, apart)}
    seconds = {name: [] for name in ways}
    for turn in range(rounds + 1):
        for name, (count, run) in ways.items():
            threads.thread_count = lambda count=count: count
            start = time.perf_counter()
            run()
            if turn:
                seconds[name].append(time.perf_counter() - start)
    one, two, loops = (np.asarray(each) for each in seconds.values())
    print("wall s, medians:", {name: round(statistics.median(each), 4) for name, each in seconds.items()})
    for name, ratio in (("two threads", one / two), ("two loops", one / loops), ("threads / loops", loops / two)):
        low, middle, high = np.quantile(ratio, [0.25, 0.5, 0.75])
        print(f"{name}: gain {middle:.2f}, quartiles {low:.2f} {high:.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--members", type=int, nargs="+", default=[50, 200, 1000])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--bounded", action="store_true")
    parser.add_argument("--threads", action="store_true")
    parser.add_argument("--depths", action="store_true")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--layout", choices=LAYOUTS, default="first", help=argparse.SUPPRESS)
    parser.add_argument("--score", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(options.one, options.layout, options.members[0], options.repeat)))
    elif options.score:
        score_store(options.score)
    elif options.bounded:
        bounded()
    elif options.threads:
        threaded(options.rounds)
    elif options.depths:
        depths(options.rounds)
    else:
        for members in options.members:
            table(members, options.rounds, options.repeat)


if __name__ == "__main__":
    main()
