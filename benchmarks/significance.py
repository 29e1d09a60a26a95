"""False alarms and power of tests of a mean difference.

    python benchmarks/significance.py            # about three minutes on one core

The series of differences have a known mean; docs/experiments/significance.md has the table.
"""

import argparse

import numpy as np
import xarray as xr
from scipy.signal import lfilter

from forecast.verification import block_bootstrap, diebold_mariano, paired_t_test

COUNTS = (10, 30, 100, 300)
PROCESSES = {
    "independent": ([1.0], [1.0]),
    "AR(1), .3": ([1.0], [1.0, -0.3]),
    "AR(1), .6": ([1.0], [1.0, -0.6]),
    "AR(2), .4 .3": ([1.0], [1.0, -0.4, -0.3]),
    "sums of 5": ([1.0] * 5, [1.0]),
}


def make_series(process: str, count: int, series: int, rng: np.random.Generator) -> xr.DataArray:
    """Return series of mean 0 along `init_time`."""
    noise = rng.normal(size=(series, count + 200))
    return xr.DataArray(lfilter(*PROCESSES[process], noise, axis=1)[:, 200:], dims=("series", "init_time"))


def mean_error(process: str, count: int) -> float:
    """Standard deviation of the mean of a series."""
    ahead, behind = PROCESSES[process]
    response = lfilter(ahead, behind, np.r_[1.0, np.zeros(999)])
    powers = [np.sum(response[: 1000 - lag] * response[lag:]) for lag in range(min(count, 1000))]
    weights = [1 - lag / count for lag in range(len(powers))]
    return float(np.sqrt((powers[0] + 2 * np.dot(powers[1:], weights[1:])) / count))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--series", type=int, default=1000)
    parser.add_argument("--samples", type=int, default=1000)
    arguments = parser.parse_args()
    rng = np.random.default_rng(0)
    print(
        "| series | cycles | t-test | bootstrap | Diebold-Mariano | of a difference: t-test | bootstrap | D-M | block |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for process in PROCESSES:
        for count in COUNTS:
            null = make_series(process, count, arguments.series, rng)
            cells = []
            for series in (null, null + 3 * mean_error(process, count)):
                blocks = block_bootstrap(series, samples=arguments.samples)
                for test in (paired_t_test(series), blocks, diebold_mariano(series)):
                    cells.append(f"{float((test['p_value'] < 0.05).mean()):.3f}")
            print(f"| {process} | {count} | {' | '.join(cells)} | {float(blocks['block'].mean()):.1f} |", flush=True)


if __name__ == "__main__":
    main()
