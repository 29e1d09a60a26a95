"""The typed system file: dataset, predictands, model, training, forecast, products and verification in one TOML.

Everything is checked when the file is read; an unknown key is an error. The objects are frozen: change one by
validating a changed copy of its data (`System.model_validate`), never by attribute.
"""

import hashlib
import itertools
import json
import tomllib
from datetime import date
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, ValidationError, model_validator

from data_catalog.conventions import channel
from data_catalog.errors import ConfigurationError
from forecast.anchors.settings import AnchorSettings
from forecast.diffusion.settings import Diffusion, Sampler
from forecast.networks.settings import NetworkSettings, UNetSettings
from forecast.product_settings import Products
from forecast.sections import Positive, PositiveFloat, Section
from forecast.verification_settings import Verification


class Period(Section):
    """Calendar days, both ends included."""

    start: date
    end: date

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.end < self.start:
            raise ValueError(f"expected end not before start {self.start}, found {self.end}")
        return self

    def overlaps(self, other: "Period") -> bool:
        """Whether a day is in both."""
        return self.start <= other.end and other.start <= self.end


class State(Section):
    """What the model carries from one lead step to the next."""

    predictands: Annotated[tuple[str, ...], Field(min_length=1)]
    """Channels that are forecast."""
    static: tuple[str, ...] = ()
    """Channels that never change and only condition the forecast."""
    step_hours: Positive = 24
    """Hours from one state to the next."""
    past_states: Positive = 2
    """States that a step is conditioned on: the latest and those before it."""

    @model_validator(mode="after")
    def _known_channels(self) -> Self:
        names = self.predictands + self.static
        for name in names:
            try:
                channel(name)
            except ConfigurationError as error:
                raise ValueError(str(error)) from None
        if len(set(names)) != len(names):
            raise ValueError(f"expected each channel once, found {list(names)}")
        return self


class Periods(Section):
    """Which days may be used for what."""

    training: Period
    validation: Period
    """Watched while tuning; a last training may include it."""
    test: Period
    """Never fitted to."""

    @model_validator(mode="after")
    def _test_apart(self) -> Self:
        for name, other in (("training", self.training), ("validation", self.validation)):
            if other.overlaps(self.test):
                raise ValueError(f"expected a test period apart from {name}, found {self.test} and {other}")
        return self


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


UNDECIDING = (
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


class Forecast(Section):
    """What one cycle makes."""

    members: Positive = 20
    lead_days: Positive = 10
    batch_size: Positive = 10
    """Members that are computed together."""


class Schedule(Section):
    """When a cycle runs by itself."""

    cron: str = "0 6 * * *"
    every_hours: Positive = 24
    """Hours between the init times of successive cycles."""


class System(Section):
    """One forecasting system, from dataset to verification."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]*$")]
    title: str
    dataset: str
    state: State
    periods: Periods
    anchor: AnchorSettings = AnchorSettings()
    network: NetworkSettings = UNetSettings()
    diffusion: Diffusion = Diffusion()
    sampler: Sampler = Sampler()
    pretraining: Pretraining | None = None
    training: Training = Training()
    finetuning: tuple[Finetuning, ...] = ()
    forecast: Forecast = Forecast()
    products: Products = Products()
    verification: Verification = Verification()
    schedule: Schedule = Schedule()

    @model_validator(mode="after")
    def _channels_are_predicted(self) -> Self:
        wanted = {
            "products.map_channels": self.products.map_channels,
            "products.probabilities": tuple(event.channel for event in self.products.probabilities),
            "training.channel_weights": tuple(self.training.channel_weights),
        }
        for place, names in wanted.items():
            for name in names:
                if name not in self.state.predictands:
                    raise ValueError(f"{place}: expected one of {list(self.state.predictands)}, found '{name}'")
        return self

    @model_validator(mode="after")
    def _own_step_is_learned(self) -> Self:
        learned, own = self.training.step_hours, self.state.step_hours
        if learned and own not in learned:
            raise ValueError(f"training.step_hours: expected state.step_hours {own} among them, found {list(learned)}")
        return self

    @property
    def learned_step_hours(self) -> tuple[int, ...]:
        """Lengths of a step that the model learns, ascending."""
        return self.training.step_hours or (self.state.step_hours,)

    def in_steps_of(self, hours: int) -> "System":
        """The system whose forecasts take steps of another length that its model learns.

        Raises:
            ConfigurationError: It does not.
        """
        if hours not in self.learned_step_hours:
            raise ConfigurationError(
                f"system {self.name}: expected a step of {' or '.join(map(str, self.learned_step_hours))} h, which "
                f"its model learns, found {hours} h"
            )
        content = self.model_dump()
        return System.model_validate(content | {"state": content["state"] | {"step_hours": hours}})

    def of_network(self, number: int) -> "System":
        """The system that trains one of its networks alone, counted from 0.

        Raises:
            ConfigurationError: It has not so many.
        """
        count, content = self.training.networks, self.model_dump()
        if not 0 <= number < count:
            raise ConfigurationError(f"system {self.name}: expected a network from 0 to {count - 1}, found {number}")
        alone = {"seed": self.training.seed + number, "networks": 1, "stored_as": "float16"}
        return self if count == 1 else System.model_validate(content | {"training": content["training"] | alone})

    def identity_hash(self) -> str:
        """SHA-256 over what decides the members: dataset, state and sampler (the weights have a hash of their own).

        Returns:
            64 hexadecimal digits.
        """
        return self._hash_of({"name", "dataset", "state", "sampler"})

    def training_hash(self) -> str:
        """SHA-256 over what decides a training: all but its length, what computes it and what the model is used for."""
        usual = Training().model_dump(include=set(UNDECIDING))
        trained_sampler = self.sampler.model_copy(update={"noise_inflation": 1.0}) if self.finetuning else Sampler()
        alike = self.model_copy(
            update={
                "training": self.training.model_copy(update=usual),
                "finetuning": tuple(each.model_copy(update={"iterations": 1}) for each in self.finetuning),
                "sampler": trained_sampler,
            }
        )
        deciding = {"name", "dataset", "state", "periods", "anchor", "network", "diffusion"}
        deciding |= {"training", "finetuning", "sampler"}
        return alike._hash_of(deciding if self.pretraining is None else deciding | {"pretraining"})

    def _hash_of(self, sections: set[str]) -> str:
        deciding = self.model_dump(mode="json", include=sections)
        for name in sections:
            part = getattr(self, name)
            if isinstance(part, Section):
                deciding[name] = part.deciding()
            elif isinstance(part, tuple):
                deciding[name] = [each.deciding() for each in part]
        return hashlib.sha256(json.dumps(deciding, sort_keys=True).encode()).hexdigest()


def read_system(path: Path) -> System:
    """Read and check a system file.

    Args:
        path: A TOML file.

    Raises:
        ConfigurationError: The file is absent, is no TOML, or a key or value is wrong; names each fault.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"system file {path}: expected a readable file, found {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"system file {path}: expected TOML, found {error}") from None
    return parse_system(content, origin=f"system file {path}")


def parse_system(content: object, *, origin: str) -> System:
    """Check the content of a system file.

    Args:
        content: Nested mappings, as TOML or JSON give them.
        origin: Where it came from, for the error.

    Raises:
        ConfigurationError: A key or value is wrong; one line that names each fault.
    """
    try:
        return System.model_validate(content)
    except ValidationError as error:
        faults = "; ".join(_fault(fault["loc"], fault["msg"], fault["input"]) for fault in error.errors())
        raise ConfigurationError(f"{origin}: {faults}") from None


def _fault(location: tuple[int | str, ...], message: str, found: object) -> str:
    # The kind of a network stands in the location, though it is no key.
    parts = [part for before, part in itertools.pairwise((None, *location)) if before != "network"]
    key = ".".join(map(str, parts)) or "system"
    if message == "Extra inputs are not permitted":
        return f"unknown key '{key}'"
    message = message.removeprefix("Value error, ")
    return f"{key}: {message}" if isinstance(found, dict) else f"{key}: {message}, found {found!r}"
