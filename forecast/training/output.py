"""Writes the outputs of a training: its checkpoint and the denoiser that it fine-tunes."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from forecast.checkpoints.description import read_description
from forecast.checkpoints.files import save_checkpoint
from forecast.checkpoints.training_record import StageRecord, TrainingRecord
from forecast.sphere.grid import Grid
from forecast.states.standardiser import Standardiser
from forecast.system.system import System
from forecast.training.directory import DENOISER


@dataclass(frozen=True)
class TrainingOutput:
    """Writes the checkpoints of one training.

    Attributes:
        directory: Directory of the training.
        system: The trained system.
        grid: The grid of the states.
        standardiser: Converts physical fields to standardised anomalies.
        record: Record of the training before its first stage.
    """

    directory: Path
    system: System
    grid: Grid
    standardiser: Standardiser
    record: TrainingRecord

    @property
    def identity(self) -> str:
        """Return what determines this training except its length; a resumed training must have the same identity."""
        initial = self.record.initial_checkpoint
        return self.system.training_hash() + (f" from {initial}" if initial else "")

    def save(self, weights: Mapping[str, Tensor], stages: Mapping[str, StageRecord], *, finished: bool) -> None:
        """Write the checkpoint, replacing an earlier one.

        Args:
            weights: Averaged weights, whole tensors on the CPU.
            stages: Records of the stages so far, by name.
            finished: Whether the training is finished.
        """
        self._save(self.directory, weights, stages, finished=finished)

    def save_denoiser(self, weights: Mapping[str, Tensor], stages: Mapping[str, StageRecord]) -> None:
        """Write the denoiser that is about to be fine-tuned, as a checkpoint beside that of the training.

        Args:
            weights: Averaged weights, whole tensors on the CPU.
            stages: Records of the stages so far, by name.
        """
        self._save(self.directory / DENOISER, weights, stages, finished=True)

    def saved_stages(self) -> dict[str, StageRecord]:
        """Return the stage records of the latest checkpoint."""
        return dict(read_description(self.directory).training.stages)

    def _save(
        self, directory: Path, weights: Mapping[str, Tensor], stages: Mapping[str, StageRecord], *, finished: bool
    ) -> None:
        save_checkpoint(
            directory,
            system=self.system,
            grid=self.grid,
            standardiser=self.standardiser,
            weights=[weights],
            training=self.record.changed(stages=dict(stages), finished=finished),
        )
