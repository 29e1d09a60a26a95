"""The typed system file: dataset, predictands, model, training, forecast, products and verification in one TOML.

Everything is checked when the file is read; an unknown key is an error. The objects are frozen: change one by
validating a changed copy of its data (`System.model_validate`), never by attribute.
"""

import hashlib
import json
from typing import Annotated, Self

from pydantic import Field, model_validator

from data_catalog.errors import ConfigurationError
from data_catalog.layout.variables import channel
from forecast.system.anchor import AnchorSettings
from forecast.system.diffusion import Diffusion, Sampler
from forecast.system.network import NetworkSettings, UNetSettings
from forecast.system.periods import Periods
from forecast.system.products import Products
from forecast.system.section import Positive, Section
from forecast.system.training import NOT_HASHED, Finetuning, Pretraining, Training
from forecast.system.verification import Verification


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
        usual = Training().model_dump(include=set(NOT_HASHED))
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
                deciding[name] = part.hashed_values()
            elif isinstance(part, tuple):
                deciding[name] = [each.hashed_values() for each in part]
        return hashlib.sha256(json.dumps(deciding, sort_keys=True).encode()).hexdigest()
