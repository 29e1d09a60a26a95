"""Read system files, and report every fault of one in a single line."""

import tomllib
from pathlib import Path

from pydantic import ValidationError

from data_catalog.errors import ConfigurationError
from forecast.system.faults import faults_of_validation
from forecast.system.system import System


def read_system(path: Path) -> System:
    """Read and check a system file.

    Args:
        path: A TOML file.

    Raises:
        ConfigurationError: The file is absent or not TOML, or keys or values are wrong; names each fault.
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
        content: Nested tables, parsed from TOML or JSON.
        origin: Origin of the content, such as `system file x.toml`; errors start with it.

    Raises:
        ConfigurationError: Keys or values are wrong; names each fault.
    """
    try:
        return System.model_validate(content)
    except ValidationError as error:
        faults = faults_of_validation(error, whole="system")
        raise ConfigurationError(f"{origin}: {'; '.join(faults)}") from None
