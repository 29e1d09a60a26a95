"""The benchmark of a GPU: a row says why it has no figure, and its tables show what was measured."""

import sys
from pathlib import Path
from typing import Any

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
import gpu  # a script of benchmarks/, which is no package
from gpu_table import markdown

GIB = 2**30


def test_a_row_says_why_it_has_no_figure() -> None:
    bench = gpu.Bench("cpu", minutes=1, tiny=True)

    def too_large() -> dict[str, Any]:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")

    def no_compiler() -> dict[str, Any]:
        raise RuntimeError("no C++ compiler\nand a long trace")

    assert bench.row({"members": 50}, too_large) == {"members": 50, "failed": "out of memory"}
    assert bench.row({}, no_compiler) == {"failed": "RuntimeError: no C++ compiler"}
    assert bench.row({"members": 1}, lambda: {"rate": 2.0}) == {"members": 1, "rate": 2.0}
    assert gpu.Bench("cpu", minutes=-1, tiny=True).row({}, too_large) == {"failed": gpu.LATE}


def test_median_is_of_calls_after_the_warm_up() -> None:
    bench, calls = gpu.Bench("cpu", minutes=1, tiny=False), []
    seconds, memory = bench.seconds(lambda: calls.append(1), warm_up=3)
    assert len(calls) == 3 + gpu.REPEAT
    assert 0 < seconds < 1
    assert memory is None


@pytest.mark.parametrize("number", range(3))
def test_each_system_trains_and_forecasts_in_small(number: int) -> None:
    """The parts that a GPU runs, on a network of eight channels."""
    bench = gpu.Bench("cpu", minutes=1, tiny=True)
    system = list(gpu.chosen_systems(tiny=True))[number]
    grid = gpu.grid_of_system(system, tiny=True)
    model = gpu.build(system, grid, bench)
    made = gpu.evaluate(model.eval(), system, 2, bench.device)
    assert made.shape == (2, len(system.state.predictands), *grid.shape)
    gpu.training_step(bench, system, grid, 2, compiled=False)()


def _result(**failed: str) -> dict[str, Any]:
    sampling = {"system": "a", "precision": "float32", "members": 8}
    measured = {"evaluation_seconds": 4.0, "members_per_second": 0.25, "share_of_peak": 0.5, "evaluations": 23}
    memory = {"peak_bytes": 3 * GIB, "promised_bytes": 2 * GIB}
    step = {"samples_per_second": 32.0, "share_of_peak": 0.4}
    return {
        "machine": {"device": "cuda", "name": "card", "torch": "2.13", "tiny": False},
        "peak": {"precision": "bfloat16", "flops": 7e14},
        "sampling": [sampling | measured | memory, sampling | {"members": 50, "failed": "out of memory"}],
        "training": [{"system": "a", "samples": 16, "compiled": True} | step | memory],
        "loader": {"samples_per_second": 640.0, "times_the_step": 20.0} | failed,
        "verification": {"values": "50 x 2", "seconds": 0.5},
    }


def test_tables_show_figures_and_what_failed() -> None:
    text = markdown(_result())
    assert "card (cuda), torch 2.13; peak: 700 TFLOP/s" in text
    assert "| a | float32 | 8 | 0.25 | 50.0% | 3 GiB | 2 GiB |" in text
    assert "| a | float32 | 50 | out of memory | | | |" in text
    assert "| a | 16 | compiled | 32 | 40.0% | 3 GiB | 2 GiB |" in text
    assert "640 samples/s, 20 times the fastest step" in text
    # 15 lead steps of half a second a member, and of 23 times that
    assert "| a | card | 172 s a member | 7.5 s | this run, float32 |" in text
    assert "GenCast" in text
    assert "| loader, speedy-5p6 | out of memory |" in markdown(_result(failed="out of memory"))
