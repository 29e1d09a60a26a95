"""Systems by name, and the checkpoint that belongs to each."""

from importlib import resources
from pathlib import Path

from data_catalog.catalog import dataset
from data_catalog.errors import ConfigurationError
from forecast.system.reading import read_system
from forecast.system.system import System
from pipelines.terminal.times import lead_steps, parse_hours
from pipelines.workspace.checkpoints import has_checkpoint
from pipelines.workspace.home import Home


def system_names() -> tuple[str, ...]:
    """Names of the shipped systems."""
    return tuple(sorted(path.stem for path in _shipped_systems().glob("*.toml")))


def find_system(name_or_path: str) -> System:
    """Read a system by its shipped name, or from a TOML file.

    Args:
        name_or_path: A name without a suffix, or a path.

    Raises:
        ConfigurationError: No such system, or its file is wrong; says which exist.
    """
    shipped = _shipped_systems() / f"{name_or_path}.toml"
    if "/" not in name_or_path and shipped.is_file():
        return read_system(shipped)
    path = Path(name_or_path).expanduser()
    if path.is_file():
        return read_system(path)
    known = ", ".join(system_names())
    raise ConfigurationError(f"system '{name_or_path}': expected one of {known} or a TOML file, found neither")


def servable_systems(home: Home) -> tuple[str, ...]:
    """Shipped systems that a schedule can run here: there is a checkpoint, and there is data."""
    return tuple(name for name in system_names() if _is_servable(home, find_system(name)))


def _is_servable(home: Home, system: System) -> bool:
    entry = dataset(system.dataset)
    has_data = entry.source == "bundled" or entry.location is not None or home.archive(entry.name).exists()
    return has_data and has_checkpoint(home, system.name)


def _shipped_systems() -> Path:
    return Path(str(resources.files("pipelines"))) / "systems"


def in_steps(system: System, step: str | None) -> System:
    return system if step is None else system.in_steps_of(parse_hours(step, "--step"))


def requested_lead_steps(system: System, lead: str | None) -> int:
    if lead is None:
        return lead_steps(system.forecast.lead_days * 24, system.state.step_hours, "forecast.lead_days")
    return lead_steps(parse_hours(lead, "--lead"), system.state.step_hours)
