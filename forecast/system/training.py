"""TODO: forecast/system/training.py."""

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from forecast.system.periods import Period
from forecast.system.section import Positive, PositiveFloat, Section


def _ascending(lengths: tuple[int, ...]) -> tuple[int, ...]:
    if len(set(lengths)) < len(lengths):
        raise ValueError(f"expected each length once, found {list(lengths)}")
    return tuple(sorted(lengths))


WeightForm = Literal["float16", "int8"]
"""Half precision, or bytes with a scale for each block of them."""


class Training(Section):
    """The optimiser and its length."""

    iterations: Positive = 2000
    batch_size: Positive = 16
    optimiser: Literal["adamw", "muon"] = "adamw"
    """Of the hidden matrices; everything else is moved by AdamW in any case."""
    learning_rate: PositiveFloat = 1e-3
    warmup_iterations: Annotated[int, Field(ge=0)] = 100
    weight_decay: Annotated[float, Field(ge=0)] = 0.01
    ema_halflife_samples: Positive = 4000
    """Training samples after which a weight counts half in the averaged weights."""
    gradient_clip: PositiveFloat = 1.0
    checkpoint_minutes: PositiveFloat = 3.0
    checkpoint_iterations: Positive | None = None
    """Write a checkpoint every so many iterations too."""
    validation_samples: Positive = 64
    channel_weights: dict[str, PositiveFloat] = Field(default_factory=dict)
    """Weight of a channel in the loss; 1 where not named."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Of the network's matrix products and convolutions in training; weights and sums stay float32."""
    micro_batch_size: Positive | None = None
    """Samples that a process computes together; gradients add up over the batch. None: its share of the batch."""
    parallel: Literal["ddp", "fsdp"] = "ddp"
    """Of several processes each keeps all weights, or only a part of each weight, for networks that would not fit."""
    recompute_activations: bool = False
    """Keep only the inputs of each block for the backward pass: a third more compute, far less memory."""
    compiled: bool = False
    """Compile the network's blocks with torch.compile."""
    loader: Literal["memory", "archive"] = "memory"
    """Keep all analyses in memory, or read those of each batch from the archive ahead of their use."""
    read_ahead: Positive = 4
    """Batches (or micro-batches) that are read ahead from the archive, each by a thread of its own."""
    seed: int = 0
    step_hours: Annotated[tuple[Positive, ...], AfterValidator(_ascending)] = ()
    """Lengths of a step that one model learns, `state.step_hours` among them; that one alone where none is given."""

    mirrored: bool = False
    """Show the network every other sample in a mirror at the equator, half a year on, which is weather too."""
    networks: Positive = 1
    """Networks trained alike, each from a seed one higher than the last; members take turns at them."""
    stored_as: WeightForm = "float16"
    """How a checkpoint keeps the networks' weights; the smaller form moves scores by less than a thousandth."""

    added: ClassVar[dict[str, Any]] = {"step_hours": [], "mirrored": False, "networks": 1, "stored_as": "float16"}

    @model_validator(mode="after")
    def _whole_matrices(self) -> Self:
        if self.optimiser == "muon" and self.parallel == "fsdp":
            raise ValueError("optimiser: expected adamw with parallel = 'fsdp', which cuts up matrices, found muon")
        return self


NOT_HASHED = (
    "iterations",
    "checkpoint_minutes",
    "checkpoint_iterations",
    "validation_samples",
    "micro_batch_size",
    "parallel",
    "recompute_activations",
    "compiled",
    "loader",
    "read_ahead",
    "stored_as",
)
"""Keys of a training that say how long it is, how it is watched, what computes it or how it is kept."""


class Finetuning(Section):
    """A stage after denoising: the sampler, as it will be used, learns from the CRPS of its members over a rollout.

    Or, with objective `consistency`, to end in one evaluation where the many of the denoiser that it starts from do.
    """

    objective: Literal["crps", "consistency"] = "crps"
    iterations: Positive = 1000
    batch_size: Positive = 8
    """Samples; with `crps`, each is forecast by `members` members."""
    members: Annotated[int, Field(ge=2)] = 2
    lead_steps: Positive = 1
    """Length of the rollout that is differentiated."""
    learning_rate: PositiveFloat = 3e-4
    fairness: Annotated[float, Field(ge=0, le=1)] = 0.98
    """Share of the fair CRPS in the loss; the rest is the plain one."""
    spectral_weight: Annotated[float, Field(ge=0)] = 0.0
    """Weight of the same score of spherical harmonics' coefficients beside that of points; for globes."""
    amounts_weight: Annotated[float, Field(ge=0)] = 0.0
    """Weight of that score of precipitation itself, whose root the model works on; for globes."""
    levels: Annotated[int, Field(ge=2)] = 18
    """Of `consistency`: noise levels that the way of the many evaluations is cut into."""

    added: ClassVar[dict[str, Any]] = {"objective": "crps", "levels": 18, "spectral_weight": 0.0, "amounts_weight": 0.0}


class Pretraining(Section):
    """A training before that of a region: in windows of a globe, moved round it and mirrored at the equator."""

    dataset: str
    """Whose globe; its dates need not be those of the system."""
    period: Period
    window_degrees: PositiveFloat = 30.0
    """From one window to the next, in longitude."""
    mirrored: bool = True
    """In the other hemisphere too."""
    iterations: Positive = 1500
    """Of denoising."""
    batch_size: Positive = 32
    finetuning: tuple[Finetuning, ...] = ()
