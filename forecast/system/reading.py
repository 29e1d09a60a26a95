"""Read system files, and report every fault of one in a single line."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from data_catalog.catalog import DatasetEntry, dataset
from data_catalog.errors import ConfigurationError
from data_catalog.storage.typed_files import faults_of_validation, read_toml
from forecast.system.system import System


def read_system(path: Path, directories: Sequence[Path] = ()) -> System:
    """Read and check a system file, with the dataset files that it needs.

    Args:
        path: A TOML file. A user's dataset files may lie beside it.
        directories: Further directories with a user's dataset files.

    Raises:
        ConfigurationError: The file is absent or not TOML, keys or values are wrong, or there is no dataset of the
            name; names each fault.
    """
    origin = f"system file {path}"
    content = read_toml(path, origin=origin)
    own = [entry for entry in _datasets_of(content, (path.parent, *directories), origin) if not entry.is_shipped]
    return parse_system(content | ({"own_datasets": own} if own else {}), origin=origin)


def _datasets_of(content: Mapping[str, Any], directories: Sequence[Path], origin: str) -> list[DatasetEntry]:
    """The datasets that a system file names; a name that is no text is left to the checks of the system."""
    pretraining = content.get("pretraining")
    tables = [content, pretraining if isinstance(pretraining, Mapping) else {}]
    names = [table["dataset"] for table in tables if isinstance(table.get("dataset"), str)]
    try:
        return [dataset(name, directories) for name in dict.fromkeys(names)]
    except ConfigurationError as error:
        raise ConfigurationError(f"{origin}: {error}") from None


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
        faults = faults_of_validation(error, whole="system", model=System)
        raise ConfigurationError(f"{origin}: {'; '.join(faults)}") from None
