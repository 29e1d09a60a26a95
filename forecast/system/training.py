"""The training, finetuning and pretraining sections of the system file."""

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from forecast.system.periods import Period
from forecast.system.section import Positive, PositiveFloat, Section


def _ascending(lengths: tuple[int, ...]) -> tuple[int, ...]:
    if len(set(lengths)) < len(lengths):
        raise ValueError(f"expected each length once, found {list(lengths)}")
    return tuple(sorted(lengths))


WeightForm = Literal["float16", "int8"]
"""Half precision, or 8-bit integers with a scale for each block of weights."""


class Training(Section):
    """The optimiser, the length of the training, and how it is computed."""

    iterations: Positive = 2000
    batch_size: Positive = 16
    optimiser: Literal["adamw", "muon"] = "adamw"
    """Optimiser of the hidden weight matrices; all other weights are optimised by AdamW."""
    learning_rate: PositiveFloat = 1e-3
    warmup_iterations: Annotated[int, Field(ge=0)] = 100
    weight_decay: Annotated[float, Field(ge=0)] = 0.01
    ema_halflife_samples: Positive = 4000
    """Half-life of the exponential moving average of the weights, training samples."""
    gradient_clip: PositiveFloat = 1.0
    """Largest norm of the gradient."""
    checkpoint_minutes: PositiveFloat = 3.0
    """Minutes between checkpoints."""
    checkpoint_iterations: Positive | None = None
    """Iterations between further checkpoints; None for none."""
    validation_samples: Positive = 64
    """Number of samples of the validation period that the validation loss is computed on."""
    channel_weights: dict[str, PositiveFloat] = Field(default_factory=dict)
    """Weight of each channel in the loss; 1 for channels that are not named."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Precision of the network's matrix products and convolutions in training; weights and sums stay float32. On
    processors without bfloat16 all is float32."""
    micro_batch_size: Positive | None = None
    """Samples that a process computes together; gradients are accumulated over the batch. None for all at once."""
    parallel: Literal["ddp", "fsdp"] = "ddp"
    """Whether each of several processes holds all weights (`ddp`), or a part of each weight (`fsdp`), which takes less
    memory."""
    recompute_activations: bool = False
    """Keep only the input of each block for the backward pass: a third more compute, and far less memory."""
    compiled: bool = False
    """Compile the network's blocks with torch.compile."""
    loader: Literal["memory", "archive"] = "memory"
    """Load all analyses into memory, or read those of each batch from the archive ahead of their use."""
    read_ahead: Positive = 4
    """Number of batches (or micro-batches) read ahead from the archive, each by a thread of its own."""
    seed: int = 0
    """Seed of all random numbers of the training."""
    step_hours: Annotated[tuple[Positive, ...], AfterValidator(_ascending)] = ()
    """Step lengths that one model learns, hours, `state.step_hours` among them. Empty for that one alone."""

    mirrored: bool = False
    """Reflect every other sample at the equator, with the season of half a year later."""
    networks: Positive = 1
    """Number of networks, each trained with a seed one higher than the last; members alternate between them."""
    stored_as: WeightForm = "float16"
    """Number format of the weights in a checkpoint; `int8` changes scores by less than a thousandth."""

    added: ClassVar[dict[str, Any]] = {"step_hours": [], "mirrored": False, "networks": 1, "stored_as": "float16"}

    @model_validator(mode="after")
    def _whole_matrices(self) -> Self:
        if self.optimiser == "muon" and self.parallel == "fsdp":
            raise ValueError("optimiser: expected adamw with parallel = 'fsdp', which shards matrices, found muon")
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
"""Keys of a training that do not enter its hash: its length, its validation, how it is computed and stored."""


class Finetuning(Section):
    """A training stage after denoising.

    With the objective `crps`, the sampler is run as in a forecast, and the CRPS of its members over a rollout is
    minimised. With `consistency`, the network is distilled: it learns to return in one evaluation the sample that the
    denoiser it starts from needs many evaluations for.
    """

    objective: Literal["crps", "consistency"] = "crps"
    iterations: Positive = 1000
    batch_size: Positive = 8
    """Samples of a batch; with `crps`, each has `members` members."""
    members: Annotated[int, Field(ge=2)] = 2
    """Size of the ensembles, for `crps`."""
    lead_steps: Positive = 1
    """Length of the rollout that is differentiated, lead steps."""
    learning_rate: PositiveFloat = 3e-4
    fairness: Annotated[float, Field(ge=0, le=1)] = 0.98
    """Share of the fair CRPS in the loss; the rest is the plain CRPS."""
    spectral_weight: Annotated[float, Field(ge=0)] = 0.0
    """Weight of the CRPS of spherical harmonic coefficients, added to that of grid points; globes only."""
    amounts_weight: Annotated[float, Field(ge=0)] = 0.0
    """Weight of the same CRPS for precipitation amounts, added to that of their square roots, which the model works on;
    globes only."""
    levels: Annotated[int, Field(ge=2)] = 18
    """Number of noise levels that the trajectory is divided into, for `consistency`."""

    added: ClassVar[dict[str, Any]] = {"objective": "crps", "levels": 18, "spectral_weight": 0.0, "amounts_weight": 0.0}


class Pretraining(Section):
    """A training before that of a region, on windows of a global dataset."""

    dataset: str
    """Name of the global dataset; its dates need not be those of the system."""
    period: Period
    """Days of the global dataset that are used."""
    window_degrees: PositiveFloat = 30.0
    """Distance between neighbouring windows, degrees of longitude."""
    mirrored: bool = True
    """Use windows of the other hemisphere too, reflected at the equator."""
    iterations: Positive = 1500
    """Iterations of denoising."""
    batch_size: Positive = 32
    finetuning: tuple[Finetuning, ...] = ()
    """Stages after denoising."""
