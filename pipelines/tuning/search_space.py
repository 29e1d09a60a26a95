"""The space of a search: keys of the system file and their values."""

import json
from dataclasses import dataclass, replace
from typing import Any

from optuna import Trial

from data_catalog.errors import ConfigurationError
from forecast.system.names import CHURNED
from forecast.system.reading import parse_system
from forecast.system.system import System

SAMPLER = "sampler."
Value = float | int | str


@dataclass(frozen=True)
class Choice:
    """A key of the system file and the values that a search may give it: a list or a range of numbers.

    Attributes:
        key: Section and name, such as `sampler.rho`.
        options: The values, if they are a list.
        low: Smallest number of a range.
        high: Largest number of a range.
        logarithmic: Whether to draw the logarithm uniformly, rather than the number.
    """

    key: str
    options: tuple[Value, ...] = ()
    low: float = 0.0
    high: float = 0.0
    logarithmic: bool = False

    def suggest(self, trial: Trial) -> Value:
        """Let a trial choose a value."""
        if self.options:
            chosen = trial.suggest_categorical(self.key, self.options)
            assert chosen is not None
            return chosen
        return float(trial.suggest_float(self.key, self.low, self.high, log=self.logarithmic))

    def with_own(self, system: System) -> "Choice":
        """Return this choice, extended to include the system's own value."""
        own = own_value(system, self.key)
        if not self.options:
            return replace(self, low=min(self.low, float(own)), high=max(self.high, float(own)))
        return self if own in self.options else replace(self, options=(own, *self.options))


SPACE = (
    Choice("diffusion.time_distribution", ("log-normal", "log-uniform", "rho-uniform")),
    Choice("diffusion.weight", ("edm", "min-snr", "velocity", "learned")),
    Choice("diffusion.log_sigma_mean", low=-2.0, high=0.5),
    Choice("diffusion.log_sigma_std", low=0.8, high=2.0),
    Choice("training.learning_rate", low=2e-4, high=3e-3, logarithmic=True),
    Choice("sampler.kind", ("heun", "dpmpp-2s", "dpmpp-2m")),
    Choice("sampler.sampling_steps", (4, 6, 8, 12)),
    Choice("sampler.schedule", ("rho", "flow", "trig", "vp-cosine")),
    Choice("sampler.sigma_max", low=10.0, high=80.0, logarithmic=True),
    Choice("sampler.rho", low=3.0, high=9.0),
    Choice("sampler.noise_inflation", low=0.9, high=1.2),
)
"""All keys that can be searched; a search without training uses only those of the sampler."""


def chosen_space(system: System, only: tuple[str, ...], *, sampler_only: bool) -> tuple[Choice, ...]:
    """Return the choices of a search, each extended to include the system's own value.

    Args:
        system: The system.
        only: Keys to search; empty for all.
        sampler_only: Whether to leave out keys that need a training.

    Raises:
        ConfigurationError: A key cannot be searched.
    """
    known = tuple(choice for choice in SPACE if not sampler_only or choice.key.startswith(SAMPLER))
    names = [choice.key for choice in known]
    for key in only:
        if key not in names:
            raise ConfigurationError(f"--only: expected one of {', '.join(names)}, found '{key}'")
    return tuple(choice.with_own(system) for choice in known if not only or choice.key in only)


def own_value(system: System, key: str) -> Value:
    """Return the value of a key such as `sampler.rho` in a system."""
    section, name = key.split(".")
    value: Value = getattr(getattr(system, section), name)
    return value


def changed_system(system: System, values: dict[str, Value]) -> System:
    """Return a system with some keys changed.

    A list of noise levels is dropped if a trial changes the schedule, and churn if its sampler cannot churn.

    Args:
        system: The system.
        values: New values by key.

    Raises:
        ConfigurationError: The values do not make a valid system.
    """
    content: dict[str, Any] = system.model_dump(mode="json")
    for key, value in values.items():
        section, name = key.split(".")
        if section == "sampler" and name != "noise_inflation" and value != own_value(system, key):
            content["sampler"]["levels"] = ()
        content[section][name] = value
    if content["sampler"]["kind"] not in CHURNED:
        content["sampler"]["churn"] = 0.0
    return parse_system(content, origin="trial")


def to_paste(system: System, values: dict[str, Value]) -> dict[str, Any]:
    """Return the keys and values that turn a system file into a trial, including keys that its values override.

    Args:
        system: The system that was searched.
        values: Values of the trial by key.
    """
    changed = changed_system(system, values).sampler
    gone: dict[str, Any] = {}
    if system.sampler.levels and not changed.levels:
        gone["sampler.levels"] = []
    if system.sampler.churn and not changed.churn:
        gone["sampler.churn"] = 0.0
    return {**values, **gone}


def as_toml(values: dict[str, Any]) -> str:
    """Format values by key as lines of a system file."""
    lines: list[str] = []
    for section in dict.fromkeys(key.split(".")[0] for key in values):
        lines.append(f"[{section}]")
        for key, value in values.items():
            if key.startswith(f"{section}."):
                shown = f"{value:.4g}" if isinstance(value, int | float) else json.dumps(value)
                lines.append(f"{key.split('.')[1]} = {shown}")
    return "\n".join(lines)
