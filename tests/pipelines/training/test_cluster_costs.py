"""The cost of many GPUs follows from counted arithmetic and bytes by the stated formulas."""

from dataclasses import replace

import numpy as np
import pytest

from data_catalog.errors import ConfigurationError
from forecast.model.costs import Costs
from forecast.sphere.grid import Grid
from forecast.system.system import System
from pipelines.training.cluster_costs import Work, forecast_estimate, training_estimates
from pipelines.training.cluster_table import print_cluster_costs
from pipelines.training.clusters import ASSUMED, GPUS, Cluster, Speeds
from pipelines.workspace.systems import find_system

GPU = GPUS["h100"]
COUNTED = Costs(1000, 2e12, 6e12, 10_000, 500, 4_700, training_traffic=70, evaluation_traffic=30)


@pytest.fixture(scope="module")
def system() -> System:
    return find_system("era5-1p5")


def work(system: System, **cluster: int) -> Work:
    grid = Grid(np.linspace(-90, 90, 13), np.arange(24) * 15.0)
    return Work(system, grid, COUNTED, COUNTED, Cluster(GPU, **cluster), Speeds(0.5, 0.25, "assumed"))


def test_arithmetic_of_a_stage_is_samples_times_members_times_lead_steps(system: System) -> None:
    denoising, one_day, four_days = training_estimates(work(system))
    assert denoising.operations == 10_000 * 32 * 6e12
    assert one_day.operations == 20_000 * 32 * 2 * 6e12
    assert four_days.operations == 5_000 * 32 * 2 * 4 * 6e12
    assert denoising.computing == pytest.approx(denoising.operations / (0.5 * GPU.bfloat16_flops))


def test_more_gpus_compute_faster_and_receive_gradients(system: System) -> None:
    alone, eight = (training_estimates(work(system, gpus=count))[1] for count in (1, 8))
    assert eight.computing == pytest.approx(alone.computing / 8)
    # A ring: all but its own eighth, once to add up and once to hand round; and what a process receives of its team.
    assert eight.received - alone.received / 8 == pytest.approx(20_000 * 2 * 7 / 8 * 4 * 1000)
    assert eight.waiting < training_estimates(work(system, nodes=2, gpus=4))[1].waiting


def test_fsdp_receives_weights_in_each_evaluation_and_keeps_a_share(system: System) -> None:
    sharded = system.changed(training=system.training.changed(optimiser="adamw", parallel="fsdp", micro_batch_size=2))
    whole = system.changed(training=sharded.training.changed(parallel="ddp"))
    (_, _, ours), (_, _, theirs) = (training_estimates(work(each, gpus=8)) for each in (sharded, whole))
    halo = 5_000 * 4 * 2 * 4 * 70
    assert ours.received - halo == pytest.approx(5_000 * 2 * 4 * 3 * 7 / 8 * 4000)  # 2 micro-batches of 4 lead steps
    assert theirs.memory - ours.memory == pytest.approx(20 * 1000 * 7 / 8)


def test_memory_is_that_of_the_evaluations_kept_together(system: System) -> None:
    denoising, one_day, four_days = (each.memory for each in training_estimates(work(system)))
    assert one_day - denoising == 500 * (8 * 2 - 8)
    assert four_days - one_day == 500 * 8 * (2 * 4 - 2)
    noise, harmonics = 4 * 13 * 13**2, 4 * 9**2 * 13
    assert denoising == 16 * 1000 + noise + harmonics + 10_000 + 7 * 500


def test_members_divide_among_the_gpus(system: System) -> None:
    alone, eight = (forecast_estimate(work(system, gpus=count)) for count in (1, 8))
    assert alone.operations == eight.operations == 50 * 15 * 2e12
    assert alone.computing == pytest.approx(alone.operations / (0.25 * GPU.float32_flops))
    assert eight.computing == pytest.approx(alone.computing * 7 / 50)  # batches of 7
    assert eight.received == 7 * 15 * 30


def test_a_team_computes_a_band_each(system: System) -> None:
    halves = replace(COUNTED, training_flops=3e12, evaluation_flops=1e12)
    alone, team = work(system), replace(work(system, gpus=2, bands=2), divided=halves)
    for before, after in zip(training_estimates(alone), training_estimates(team), strict=True):
        assert after.computing == pytest.approx(before.computing / 2)
        assert after.operations == before.operations
    with pytest.raises(ConfigurationError, match="expected a multiple of the 64 processes, found 32"):
        training_estimates(work(system, nodes=8, gpus=8))


def test_the_table_says_what_is_assumed(tiny, capsys: pytest.CaptureFixture[str]) -> None:
    print_cluster_costs(find_system(str(tiny)), Cluster(GPU, gpus=2, bands=2))
    printed = capsys.readouterr().out
    assert "on 1 x 2 H100 (SXM, 80 GB), teams of 2 in bands" in printed
    assert "| forecast: 50 members, 15 days |" in printed
    assert f"Shares of peak (assumed, not measured): training {ASSUMED.training:.0%} of 989 TFLOP/s" in printed
    assert "| GenCast, 0.25 degrees | 1500 s a member, H100 |" in printed
