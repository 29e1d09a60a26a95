"""What a training writes: its checkpoint, the denoiser that it fine-tunes, and the state to resume it from."""

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
    """Where a training writes its checkpoints, and what they hold beside the weights.

    Attributes:
        directory: Of the training.
        system: What is trained.
        grid: Where the model works.
        standardiser: Physical fields to the model's anomalies.
        record: Of the training, before its first stage.
    """

    directory: Path
    system: System
    grid: Grid
    standardiser: Standardiser
    record: TrainingRecord

    @property
    def identity(self) -> str:
        """What decides this training, but for its length: a resumed training must have the same."""
        initial = self.record.initial_checkpoint
        return self.system.training_hash() + (f" from {initial}" if initial else "")

    def save(self, weights: Mapping[str, Tensor], stages: Mapping[str, StageRecord], *, finished: bool) -> None:
        """Write the checkpoint, in place of an earlier one.

        Args:
            weights: Averaged weights, whole and on the CPU.
            stages: What has been done so far, by stage.
            finished: Whether the training has come to its end.
        """
        self._save(self.directory, weights, stages, finished=finished)

    def save_denoiser(self, weights: Mapping[str, Tensor], stages: Mapping[str, StageRecord]) -> None:
        """Write the denoiser that is about to be fine-tuned, as a checkpoint beside that of the training.

        Args:
            weights: Averaged weights, whole and on the CPU.
            stages: What has been done so far, by stage.
        """
        self._save(self.directory / DENOISER, weights, stages, finished=True)

    def saved_stages(self) -> dict[str, StageRecord]:
        """Return what the checkpoint that was written last says of its stages."""
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
