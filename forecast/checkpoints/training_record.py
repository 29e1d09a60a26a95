"""What is recorded of a training beside its weights: what it learned from, how long, and what it reached.

The record decides nothing about the members, so it is no part of a model's identity.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

from pydantic import ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer

from forecast.system.section import Section
from forecast.system.training import Pretraining

RECORD_VERSION = 1
_FIRST_STAGE = ("iterations", "loss", "validation_loss")
"""Keys that stood outside of `stages` when every training had one stage only."""
_LATER_KEYS: Mapping[str, Any] = {"began_with": None, "pretraining": None}
"""Keys that the oldest records lack, with what they mean there."""


class _Recorded(Section):
    """A part of a record: what does not apply is not written, and what a reader does not know is passed over."""

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
    """What a denoiser has learned at which noise level, on validation samples."""

    CHANCES: ClassVar[tuple[float, ...]] = (0.01, 0.25, 0.5, 0.75, 0.99)
    """Of the quantiles in `drawn`."""

    sigma: tuple[float, ...]
    """Standard deviations of the noise, in units of the residual's standard deviation."""
    squared_error: dict[str, tuple[float, ...]]
    """By channel: mean squared error of the denoised residual at each sigma, in units of the residual's variance."""
    drawn: tuple[float, ...]
    """Quantiles, for `CHANCES`, of the noise levels that the training draws."""


class StageRecord(_Recorded):
    """What one stage of a training did."""

    iterations: int
    """Iterations done."""
    loss: float
    """Loss of the last batch."""
    validation_loss: float
    """Loss of the averaged weights on validation samples."""
    noise_levels: NoiseLevels | None = None
    """Of a stage that denoises."""


class NetworkRecord(_Recorded):
    """What the training of one of several networks has of its own."""

    model_id: str
    """Of the checkpoint of this network alone."""
    seed: int
    stages: dict[str, StageRecord] = Field(default_factory=dict)
    """By name, in order."""
    analyses: int | None = None
    """Where networks differ in it."""
    torch: str | None = None
    """Where networks differ in it."""


class TrainingRecord(_Recorded):
    """What a training learned from, how long, and what it reached."""

    dataset: str
    first_analysis: str
    """Time of the first analysis learned from, such as 2001-01-01T00:00."""
    last_analysis: str
    analyses: int | None
    """Number of analyses learned from; None where networks differ in it."""
    validation_held_out: bool
    """Whether neither this training nor the one it started from learned from days of the validation period."""
    initial_checkpoint: str | None = Field(validation_alias="began_with", serialization_alias="began_with")
    """Identity of the model whose weights it started from."""
    pretraining: Pretraining | None
    torch: str | None
    """Version of PyTorch; None where networks differ in it."""
    years_left_out: tuple[int, ...] | None = None
    """Of a mean network: the years that it did not learn from."""
    windows: int | None = None
    """Of a pretraining: the number of windows of the globe that it learned from."""
    stages: dict[str, StageRecord] = Field(default_factory=dict)
    """By name, in order; empty where networks differ in them."""
    finished: bool = True
    networks: tuple[NetworkRecord, ...] = ()
    """Of a checkpoint of several networks: what each training has of its own."""

    @classmethod
    def from_content(cls, content: Mapping[str, Any]) -> Self:
        """Read a record of any version.

        Args:
            content: What `content` returned, or what was written before records had a version.

        Raises:
            pydantic.ValidationError: It is no record.
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
    """Record of several networks that were trained alike: what they have in common, and what each has of its own.

    Args:
        records: One for each network.
        model_ids: Identities of the networks alone.
        seeds: Seeds of their trainings.
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
