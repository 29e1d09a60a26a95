"""Finds systems by name, and applies the user's options for lead time and step length."""

from collections.abc import Sequence
from importlib import resources
from pathlib import Path

from data_catalog.errors import ConfigurationError
from data_catalog.suggestions import did_you_mean
from forecast.system.reading import read_system
from forecast.system.system import System
from pipelines.terminal.times import lead_steps, parse_hours
from pipelines.workspace.checkpoints import has_checkpoint
from pipelines.workspace.home import Home
from pipelines.workspace.home import home as find_home


def system_names() -> tuple[str, ...]:
    """Return the names of the shipped systems, sorted."""
    return tuple(sorted(path.stem for path in _shipped_systems().glob("*.toml")))


def find_system(name_or_path: str, home: Home | None = None) -> System:
    """Read a system by its shipped name, or from a TOML file.

    Args:
        name_or_path: A name such as `speedy-5p6`, or the path of a TOML file. The dataset that it names is a shipped
            one, or its file lies beside the system file or in the home directory.
        home: Home directory with the user's dataset files; None for the default.

    Raises:
        ConfigurationError: There is no such system, or its file or that of its dataset is wrong or absent.
    """
    shipped = _shipped_systems() / f"{name_or_path}.toml"
    if "/" not in name_or_path and shipped.is_file():
        return read_system(shipped)
    path = Path(name_or_path).expanduser()
    if path.is_file():
        return read_system(path, [(home or find_home()).datasets])
    known = system_names()
    raise ConfigurationError(
        f"system '{name_or_path}': expected one of {', '.join(known)} or a TOML file, found neither"
        f"{did_you_mean(name_or_path, known)}"
    )


def servable_systems(home: Home) -> tuple[str, ...]:
    """Return the names of the shipped systems that have both a checkpoint and data in this home.

    Args:
        home: The home directory.
    """
    return tuple(name for name in system_names() if _is_servable(home, find_system(name)))


def systems_to_serve(home: Home, given: Sequence[str] | None) -> list[tuple[str, System]]:
    """Return the systems whose cycles are to run, each with the name or path that was given for it.

    Args:
        home: The home directory.
        given: Names or paths of systems; None or empty for all that can run.

    Raises:
        ConfigurationError: There is no such system, or none can run.
    """
    chosen = [(name, find_system(name)) for name in given or servable_systems(home)]
    if not chosen:
        raise ConfigurationError(
            f"{home.root}: expected a system with a checkpoint and data, found none; start with 'plumecast ingest'"
        )
    return chosen


def _is_servable(home: Home, system: System) -> bool:
    entry = system.entry
    has_data = entry.has_source or home.archive(entry.name).exists()
    return has_data and has_checkpoint(home, system.name)


def _shipped_systems() -> Path:
    return Path(str(resources.files("pipelines"))) / "systems"


def in_steps(system: System, step: str | None) -> System:
    """Return a system that forecasts in lead steps of another length.

    Args:
        system: The system as defined in its file.
        step: Step length as given to `--step`, such as 12h; None for the system's default.

    Raises:
        ConfigurationError: The text is not a duration, or the model has not learned this step length.
    """
    return system if step is None else system.in_steps_of(parse_hours(step, "--step"))


def requested_lead_steps(system: System, lead: str | None) -> int:
    """Return the number of lead steps of a forecast.

    Args:
        system: The system, which defines the length of a step.
        lead: Lead time as given to `--lead`, such as 10d; None for the system's default.

    Raises:
        ConfigurationError: The text is not a duration, or not a multiple of the step.
    """
    if lead is None:
        return lead_steps(system.forecast.lead_days * 24, system.state.step_hours, "forecast.lead_days")
    return lead_steps(parse_hours(lead, "--lead"), system.state.step_hours)
