"""A trained model in memory, with everything that a forecast needs besides the analysis."""

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
    """A trained model with everything that a forecast needs besides the analysis.

    Attributes:
        system: The system at the time of training, except for the step length if another one was requested.
        grid: The grid of the states.
        standardiser: Converts physical fields to standardised anomalies and back.
        models: One model for each network, in evaluation mode, on the CPU.
        model_id: SHA-256 of the checkpoint and its calibration card, 64 hexadecimal digits.
        training: Record of the training.
        calibration: Calibration from the card; None without a card.
        card_sha256: SHA-256 of the card; None without a card.
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
        """The model of the only network.

        Raises:
            ConfigurationError: There are several networks.
        """
        if len(self.models) > 1:
            raise ConfigurationError(f"checkpoint: expected one with a single network, found {len(self.models)}")
        return self.models[0]

    def of_member(self, number: int) -> "Checkpoint":
        """Return the checkpoint with only the network that makes a member; its identity stays that of all networks.

        Args:
            number: Member number, counted from 0; members alternate between the networks.
        """
        return replace(self, models=(self.models[number % len(self.models)],))
