"""The typed system file: dataset, predictands, model, training, forecast, products and verification in one TOML.

Everything is checked when the file is read, and an unknown key is an error. The objects are immutable; `changed` makes
a changed copy, which is checked in the same way.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import Field, SerializerFunctionWrapHandler, field_serializer, model_serializer, model_validator

from data_catalog.catalog import DatasetEntry, dataset
from data_catalog.errors import ConfigurationError
from data_catalog.layout.variables import channel
from forecast.system.anchor import AnchorSettings
from forecast.system.announce import Announce
from forecast.system.diffusion import Diffusion, Sampler
from forecast.system.network import NetworkSettings, UNetSettings
from forecast.system.periods import Periods
from forecast.system.products import Products
from forecast.system.publish import Publish
from forecast.system.retention import Retention
from forecast.system.schedule import Schedule
from forecast.system.section import Positive, Section
from forecast.system.training import NOT_HASHED, Finetuning, Pretraining, Training
from forecast.system.verification import Verification


class State(Section):
    """The channels of a state, and the states that a lead step starts from."""

    predictands: Annotated[tuple[str, ...], Field(min_length=1)]
    """Channels that are forecast."""
    static: tuple[str, ...] = ()
    """Channels that never change; the network sees them, and they are not forecast."""
    step_hours: Positive = 24
    """Hours from one state to the next."""
    past_states: Positive = 2
    """Number of past states that the next one is forecast from, the latest included."""

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


class Forecast(Section):
    """The size of one cycle's ensemble."""

    members: Positive = 20
    lead_days: Positive = 10
    batch_size: Positive = 10
    """Members that are computed together; limits memory."""


class System(Section):
    """One forecasting system, from dataset to verification."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]*$")]
    title: str
    dataset: str
    own_datasets: tuple[DatasetEntry, ...] = ()
    """The user's datasets among those that the system names, as they are defined; shipped ones are known by name."""
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
    publish: Publish = Field(default=Publish(), exclude=True)
    """Where runs are copied to; no run says it."""
    announce: Announce = Field(default=Announce(), exclude=True)
    """Who is told that a run is published; no run says it."""
    retention: Retention | None = None
    """How long files of runs are kept; None keeps all."""

    @field_serializer("own_datasets")
    def _without_places(self, entries: tuple[DatasetEntry, ...]) -> list[dict[str, Any]]:
        """Leave out where a user's data lies, which is nobody else's business."""
        return [entry.model_dump(mode="json", exclude={"location"}, exclude_defaults=True) for entry in entries]

    @model_serializer(mode="wrap")
    def _without_empty_keys(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Store systems of shipped datasets as earlier releases did."""
        content: dict[str, Any] = handler(self)
        for key in ("own_datasets", "retention"):
            if not content.get(key, True):
                del content[key]
        return content

    @model_validator(mode="after")
    def _own_names(self) -> Self:
        for entry in self.own_datasets:
            if entry.is_shipped:
                raise ValueError(f"own_datasets: expected a name that no shipped dataset has, found '{entry.name}'")
        return self

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
    def entry(self) -> DatasetEntry:
        """The dataset that the system forecasts.

        Raises:
            ConfigurationError: It is neither a shipped dataset nor stored with the system.
        """
        return self.entry_of(self.dataset)

    @property
    def dataset_identity(self) -> str:
        """The dataset's name; of a user's, with the hash of its content."""
        own = self._own_contents((self.dataset,))
        return f"{self.dataset} ({own[self.dataset][:12]})" if own else self.dataset

    def entry_of(self, name: str) -> DatasetEntry:
        """Return a dataset that the system names.

        Args:
            name: That of `dataset` or `pretraining.dataset`.

        Raises:
            ConfigurationError: It is neither a shipped dataset nor stored with the system.
        """
        return next((entry for entry in self.own_datasets if entry.name == name), None) or dataset(name)

    @property
    def dataset_names(self) -> tuple[str, ...]:
        """Names of the datasets that the system needs: its own, then that of its pretraining."""
        others = () if self.pretraining is None else (self.pretraining.dataset,)
        return tuple(dict.fromkeys((self.dataset, *others)))

    @property
    def learned_step_hours(self) -> tuple[int, ...]:
        """Step lengths that the model learns, hours, ascending."""
        return self.training.step_hours or (self.state.step_hours,)

    def in_steps_of(self, hours: int) -> "System":
        """Return the system whose forecasts take steps of another length that its model has learned.

        Args:
            hours: Length of a step.

        Raises:
            ConfigurationError: The model does not learn steps of that length.
        """
        if hours not in self.learned_step_hours:
            raise ConfigurationError(
                f"system {self.name}: expected a step of {' or '.join(map(str, self.learned_step_hours))} h, which "
                f"its model learns, found {hours} h"
            )
        return self.changed(state=self.state.changed(step_hours=hours))

    def of_network(self, number: int) -> "System":
        """Return the system that trains one of this system's networks alone, with that network's seed.

        Args:
            number: Number of the network, counted from 0.

        Raises:
            ConfigurationError: The system has no network of that number.
        """
        count = self.training.networks
        if not 0 <= number < count:
            raise ConfigurationError(f"system {self.name}: expected a network from 0 to {count - 1}, found {number}")
        if count == 1:
            return self
        return self.changed(
            training=self.training.changed(seed=self.training.seed + number, networks=1, stored_as="float16")
        )

    def identity_hash(self) -> str:
        """Return the SHA-256 of what determines the members besides the weights: name, dataset, state and sampler.

        A user's dataset enters by its content.

        Returns:
            64 hexadecimal digits.
        """
        return self._hash_of({"name", "dataset", "state", "sampler"}, self._own_contents((self.dataset,)))

    def training_hash(self) -> str:
        """Return the SHA-256 of what determines the weights of a training after a given number of iterations.

        Left out are the number of iterations, the keys in `NOT_HASHED`, and what the model is used for: products,
        verification, schedule. The sampler counts only where finetuning runs it.

        Returns:
            64 hexadecimal digits.
        """
        usual = Training()
        trained_sampler = self.sampler.changed(noise_inflation=1.0) if self.finetuning else Sampler()
        alike = self.changed(
            training=self.training.changed(**{key: getattr(usual, key) for key in NOT_HASHED}),
            finetuning=tuple(stage.changed(iterations=1) for stage in self.finetuning),
            sampler=trained_sampler,
        )
        hashed = {"name", "dataset", "state", "periods", "anchor", "network", "diffusion"}
        hashed |= {"training", "finetuning", "sampler"}
        sections = hashed if self.pretraining is None else hashed | {"pretraining"}
        return alike._hash_of(sections, self._own_contents(self.dataset_names))

    def _own_contents(self, names: tuple[str, ...]) -> dict[str, str]:
        """Hashes of the user's datasets among some, by name."""
        return {entry.name: entry.content_hash() for entry in self.own_datasets if entry.name in names}

    def _hash_of(self, sections: set[str], own_datasets: Mapping[str, str]) -> str:
        hashed = self.model_dump(mode="json", include=sections)
        if own_datasets:
            hashed["own_datasets"] = own_datasets
        for name in sections:
            part = getattr(self, name)
            if isinstance(part, Section):
                hashed[name] = part.hashed_values()
            elif isinstance(part, tuple):
                hashed[name] = [each.hashed_values() for each in part]
        return hashlib.sha256(json.dumps(hashed, sort_keys=True).encode()).hexdigest()
