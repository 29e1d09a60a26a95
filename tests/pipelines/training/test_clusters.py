"""GPUs by their data sheets, and the shares of their peaks that were measured."""

import json
from pathlib import Path

import pytest

from data_catalog.errors import ConfigurationError
from pipelines.training.clusters import GPUS, Cluster, gpu_named, measured_speeds

FIGURES = {
    "machine": {"device": "cuda", "name": "NVIDIA H100", "tiny": False},
    "peak": {"flops": 500e12},
    "training": [
        {"system": "speedy-5p6", "share_of_peak": 0.2},
        {"system": "speedy-5p6", "share_of_peak": 0.4},
        {"system": "speedy-5p6", "failed": "no compiler"},
        {"system": "era5-1p5", "share_of_peak": 0.9},
    ],
    "sampling": [
        {"system": "speedy-5p6", "precision": "float32", "share_of_peak": 0.05},
        {"system": "speedy-5p6", "precision": "bfloat16", "share_of_peak": 0.5},
    ],
}


def test_processes_and_teams_of_a_cluster() -> None:
    cluster = Cluster(GPUS["h100"], nodes=4, gpus=8, bands=2)
    assert (cluster.processes, cluster.teams) == (32, 16)
    assert cluster.between_all < cluster.within_team == Cluster(GPUS["h100"], gpus=8).between_all
    assert Cluster(GPUS["h100"], nodes=4, gpus=8, bands=16).within_team == cluster.between_all
    with pytest.raises(ConfigurationError, match="bands: expected a divisor of the 32 GPUs, found 3"):
        Cluster(GPUS["h100"], nodes=4, gpus=8, bands=3)


def test_an_unknown_gpu_is_refused() -> None:
    assert gpu_named("a100") is GPUS["a100"]
    with pytest.raises(ConfigurationError, match="--gpu: expected one of a100, h100, h200, found 'v100'"):
        gpu_named("v100")


def test_measured_shares_are_of_the_data_sheets_peaks(tmp_path: Path) -> None:
    figures = tmp_path / "gpu.json"
    figures.write_text(json.dumps(FIGURES))
    found = measured_speeds(figures, "speedy-5p6", GPUS["h100"])
    assert found.training * GPUS["h100"].bfloat16_flops == pytest.approx(0.4 * 500e12)
    assert found.forecast * GPUS["h100"].float32_flops == pytest.approx(0.05 * 500e12)
    assert found.origin == "measured on NVIDIA H100"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"machine": FIGURES["machine"] | {"tiny": True}},
            "expected figures of speedy-5p6 on a GPU, found tiny networks",
        ),
        ({"machine": FIGURES["machine"] | {"device": "cpu"}}, "found device cpu"),
        ({"training": []}, "found device cuda, 0 training steps"),
        ({"peak": {}}, "expected gpu.json of benchmarks/gpu.py, found KeyError"),
    ],
)
def test_other_figures_are_refused(changes: dict[str, object], message: str, tmp_path: Path) -> None:
    figures = tmp_path / "gpu.json"
    figures.write_text(json.dumps(FIGURES | changes))
    with pytest.raises(ConfigurationError, match=message):
        measured_speeds(figures, "speedy-5p6", GPUS["h100"])
