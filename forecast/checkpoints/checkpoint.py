"""TODO: forecast/checkpoints/checkpoint.py."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from data_catalog.errors import ConfigurationError
from forecast.calibration.correction import Calibration
from forecast.model.step_model import StepModel
from forecast.sphere.grid import Grid
from forecast.states.standardiser import Standardiser
from forecast.system.system import System


@dataclass(frozen=True)
class Checkpoint:
    """A trained model with all that it needs to forecast.

    Attributes:
        system: As it was when the model was trained, but for the length of a step where another was asked for.
        grid: Where the model works.
        standardiser: Physical fields to the model's anomalies and back.
        models: One for each network, in evaluation mode, on the CPU.
        model_id: SHA-256 of the checkpoint and its calibration card, 64 hexadecimal digits.
        training: What it was trained on and how far: plain JSON values.
        calibration: From its card; None where there is none.
        card_sha256: Hash of the card.
    """

    system: System
    grid: Grid
    standardiser: Standardiser
    models: tuple[StepModel, ...]
    model_id: str
    training: Mapping[str, Any]
    calibration: Calibration | None = None
    card_sha256: str | None = None

    @property
    def model(self) -> StepModel:
        """The only one.

        Raises:
            ConfigurationError: There are several.
        """
        if len(self.models) > 1:
            raise ConfigurationError(f"checkpoint: expected one of a single network, found {len(self.models)}")
        return self.models[0]

    def of_member(self, number: int) -> "Checkpoint":
        """The same with the network of a member alone; its identity stays that of all, which names the member."""
        return replace(self, models=(self.models[number % len(self.models)],))
