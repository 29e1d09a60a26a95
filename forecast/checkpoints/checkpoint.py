"""A trained model in memory, with all that it needs to forecast."""

from dataclasses import dataclass, replace

from data_catalog.errors import ConfigurationError
from forecast.calibration.correction import Calibration
from forecast.checkpoints.training_record import TrainingRecord
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
        training: What it was trained on and how far.
        calibration: From its card; None where there is none.
        card_sha256: Hash of the card; None where there is none.
    """

    system: System
    grid: Grid
    standardiser: Standardiser
    models: tuple[StepModel, ...]
    model_id: str
    training: TrainingRecord
    calibration: Calibration | None = None
    card_sha256: str | None = None

    @property
    def model(self) -> StepModel:
        """The only network's model.

        Raises:
            ConfigurationError: There are several.
        """
        if len(self.models) > 1:
            raise ConfigurationError(f"checkpoint: expected one of a single network, found {len(self.models)}")
        return self.models[0]

    def of_member(self, number: int) -> "Checkpoint":
        """Return the checkpoint with only the network that makes a member; its identity stays that of all networks.

        Args:
            number: Of the member, from 0; members take turns at the networks.
        """
        return replace(self, models=(self.models[number % len(self.models)],))
