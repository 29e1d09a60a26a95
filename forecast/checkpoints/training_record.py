"""The record of a training: its data, its length and its losses.

The record does not influence the members, so it is not part of a model's identity.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

from pydantic import ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer

from forecast.system.section import Section
from forecast.system.training import Pretraining

RECORD_VERSION = 1
_FIRST_STAGE = ("iterations", "loss", "validation_loss")
"""Keys that were outside of `stages` when every training had only one stage."""
_LATER_KEYS: Mapping[str, Any] = {"began_with": None, "pretraining": None}
"""Keys that the oldest records lack, with their values for those records."""


class _Recorded(Section):
    """A part of a record: keys that do not apply are not written, and unknown keys are ignored on reading."""

    model_config = ConfigDict(extra="ignore", populate_by_name=True)

    @model_serializer(mode="wrap")
    def _without_defaults(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields = type(self).model_fields
        optional = {
            name: field.get_default(call_default_factory=True)
            for name, field in fields.items()
            if not field.is_required()
        }
        return {
            name: value
            for name, value in handler(self).items()
            if name not in optional or getattr(self, name) != optional[name]
        }


class NoiseLevels(_Recorded):
    """Error of a denoiser at each noise level, on validation samples."""

    CHANCES: ClassVar[tuple[float, ...]] = (0.01, 0.25, 0.5, 0.75, 0.99)
    """Probabilities of the quantiles in `drawn`."""

    sigma: tuple[float, ...]
    """Standard deviations of the noise, in units of the residual's standard deviation."""
    squared_error: dict[str, tuple[float, ...]]
    """Mean squared error of the denoised residual at each sigma by channel, in units of the residual's variance."""
    drawn: tuple[float, ...]
    """Quantiles of the noise levels that the training draws, for the probabilities in `CHANCES`."""


class StageRecord(_Recorded):
    """The record of one stage of a training."""

    iterations: int
    """Number of iterations done."""
    loss: float
    """Loss of the last batch."""
    validation_loss: float
    """Loss of the averaged weights on validation samples."""
    noise_levels: NoiseLevels | None = None
    """Errors by noise level; None unless the stage is denoising."""


class NetworkRecord(_Recorded):
    """The part of a training record that is specific to one of several networks."""

    model_id: str
    """Identity of the checkpoint of this network alone."""
    seed: int
    stages: dict[str, StageRecord] = Field(default_factory=dict)
    """Records of the stages by name, in order."""
    analyses: int | None = None
    """Number of analyses, if networks differ in it."""
    torch: str | None = None
    """Version of PyTorch, if networks differ in it."""


class TrainingRecord(_Recorded):
    """The data, the length and the losses of a training."""

    dataset: str
    first_analysis: str
    """Time of the first training analysis, such as 2001-01-01T00:00."""
    last_analysis: str
    analyses: int | None
    """Number of training analyses; None if networks differ in it."""
    validation_held_out: bool
    """Whether neither this training nor the one it started from used days of the validation period."""
    initial_checkpoint: str | None = Field(validation_alias="began_with", serialization_alias="began_with")
    """Identity of the model whose weights it started from."""
    pretraining: Pretraining | None
    torch: str | None
    """Version of PyTorch; None if networks differ in it."""
    years_left_out: tuple[int, ...] | None = None
    """Years that a mean network was not trained on; None for other networks."""
    windows: int | None = None
    """Number of windows of the globe that a pretraining used; None for other trainings."""
    stages: dict[str, StageRecord] = Field(default_factory=dict)
    """Records of the stages by name, in order; empty if networks differ in them."""
    finished: bool = True
    networks: tuple[NetworkRecord, ...] = ()
    """One record for each network; empty for a single network."""

    @classmethod
    def from_content(cls, content: Mapping[str, Any]) -> Self:
        """Read a record of any version.

        Args:
            content: Result of `content`, or a record written before records had a version.

        Raises:
            pydantic.ValidationError: The content is not a training record.
        """
        values = {**_LATER_KEYS, **content}
        if "stages" not in values and "networks" not in values and "iterations" in values:
            values["stages"] = {"denoising": {name: values[name] for name in _FIRST_STAGE if name in values}}
        return cls.model_validate({"analyses": None, "torch": None, **values})

    def content(self) -> dict[str, Any]:
        """Return plain JSON values, with the version of the record."""
        return {"record_version": RECORD_VERSION, **self.model_dump(mode="json", by_alias=True)}


def combined_record(
    records: Sequence[TrainingRecord], model_ids: Sequence[str], seeds: Sequence[int]
) -> TrainingRecord:
    """Combine the records of several networks into one, with what they share stored once.

    Args:
        records: One record for each network.
        model_ids: Identity of each network's own checkpoint.
        seeds: Seed of each network's training.
    """
    first = records[0]
    own = [
        name
        for name in ("stages", "analyses", "torch")
        if any(getattr(each, name) != getattr(first, name) for each in records)
    ]
    networks = tuple(
        NetworkRecord(model_id=model_id, seed=seed, **{name: getattr(each, name) for name in own})
        for each, model_id, seed in zip(records, model_ids, seeds, strict=True)
    )
    nothing: dict[str, Any] = {"stages": {}, "analyses": None, "torch": None}
    finished = all(each.finished for each in records)
    return first.changed(networks=networks, finished=finished, **{name: nothing[name] for name in own})
