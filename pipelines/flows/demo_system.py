"""The systems, starts and result of the demonstration."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from forecast.system.reading import parse_system
from forecast.system.system import System
from pipelines.workspace.systems import find_system

DATASET = "speedy-5p6"
STARTS = ("2008-01-12T00:00", "2008-07-12T00:00", "2008-07-26T00:00")
"""Starts in winter and summer of the bundled year, on which the shipped checkpoint was not trained."""
STARTS_WITHOUT_TRAINING = ("2008-01-03T00:00", "2008-01-13T00:00", "2008-01-23T00:00")
"""Starts in the weeks that `--train` leaves out: it trains on the year from mid-February on, so that the seasonal
cycle is known on either side of them."""


@dataclass(frozen=True)
class DemoResult:
    """The outputs of a demonstration.

    Attributes:
        runs: Run directories, in order of time.
        scores: Path of the pooled scores, JSON.
        trained: Whether the demonstration trained the model.
    """

    runs: tuple[Path, ...]
    scores: Path
    trained: bool


def shipped_system() -> System:
    """Return the system of the shipped checkpoint."""
    return find_system(DATASET)


def small_system() -> System:
    """Return a system that is trained within minutes on ten months of the bundled year."""
    content = shipped_system().model_dump(mode="json")
    content |= {
        "name": "speedy-demo",
        "title": "Simulated weather (SPEEDY) at 5.6 degrees, trained in the demonstration",
        "periods": {
            "training": {"start": date(2008, 2, 14), "end": date(2008, 12, 31)},
            "validation": {"start": date(2008, 2, 14), "end": date(2008, 3, 31)},
            "test": {"start": date(2008, 1, 1), "end": date(2008, 2, 3)},
        },
    }
    content["anchor"] = {"kind": "persistence"}  # a linear one would overfit ten months
    content["diffusion"] = {}
    content["network"] |= {"widths": [48, 96], "blocks": 1, "position_features": 4}
    content["training"] |= {
        "iterations": 80,
        "batch_size": 8,
        "ema_halflife_samples": 500,
        "warmup_iterations": 20,
        "precision": "float32",  # bfloat16 is slow on some processors
        "networks": 1,
        "mirrored": False,  # mirroring costs skill if each sample is seen only once or twice
    }
    content["finetuning"] = [
        {"iterations": 160, "batch_size": 8, "lead_steps": 1, "learning_rate": 1e-3},
        {"iterations": 50, "batch_size": 4, "lead_steps": 3, "learning_rate": 5e-4},
    ]
    content["verification"] |= {"baseline_eofs": 30}
    return parse_system(content, origin="demonstration system")
