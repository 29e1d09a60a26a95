"""The demonstration: what it runs, and how it sums up."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from forecast.system.reading import parse_system
from forecast.system.system import System
from pipelines.workspace.systems import find_system

DATASET = "speedy-5p6"
STARTS = ("2008-01-12T00:00", "2008-07-12T00:00", "2008-07-26T00:00")
"""Winter and summer of the bundled year, which the shipped checkpoint was never fitted to."""
STARTS_WITHOUT_TRAINING = ("2008-01-03T00:00", "2008-01-13T00:00", "2008-01-23T00:00")
"""In the weeks that `--train` leaves out: it trains on the year from the middle of February on, so that the seasonal
cycle is known on either side of them."""


@dataclass(frozen=True)
class DemoResult:
    """What a demonstration leaves.

    Attributes:
        runs: Run directories, in order of time.
        scores: Pooled scores, as JSON.
        trained: Whether the model was trained on the spot.
    """

    runs: tuple[Path, ...]
    scores: Path
    trained: bool


def shipped_system() -> System:
    """The system of the shipped checkpoint."""
    return find_system(DATASET)


def small_system() -> System:
    """A system that is trained within minutes on ten months of the bundled year."""
    content = shipped_system().model_dump(mode="json")
    content |= {
        "name": "speedy-demo",
        "title": "Simulated weather (SPEEDY) at 5.6 degrees, trained on the spot",
        "periods": {
            "training": {"start": date(2008, 2, 14), "end": date(2008, 12, 31)},
            "validation": {"start": date(2008, 2, 14), "end": date(2008, 3, 31)},
            "test": {"start": date(2008, 1, 1), "end": date(2008, 2, 3)},
        },
    }
    content["anchor"] = {"kind": "persistence"}  # a linear one learns ten months by heart
    content["diffusion"] = {}
    content["network"] |= {"widths": [48, 96], "blocks": 1, "position_features": 4}
    content["training"] |= {
        "iterations": 80,
        "batch_size": 8,
        "ema_halflife_samples": 500,
        "warmup_iterations": 20,
        "precision": "float32",  # not every processor is fast in bfloat16
        "networks": 1,
        "mirrored": False,  # which costs skill where a sample is seen once or twice
    }
    content["finetuning"] = [
        {"iterations": 160, "batch_size": 8, "lead_steps": 1, "learning_rate": 1e-3},
        {"iterations": 50, "batch_size": 4, "lead_steps": 3, "learning_rate": 5e-4},
    ]
    content["verification"] |= {"baseline_eofs": 30}
    return parse_system(content, origin="demonstration system")
