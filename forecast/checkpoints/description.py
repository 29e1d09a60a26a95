"""The description of a checkpoint, `model.json`: everything except its tensors."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, ValidationError, field_validator
from pydantic_core import from_json

from data_catalog.errors import ConfigurationError, InvalidDataError
from data_catalog.storage.atomic_files import write_durably
from data_catalog.storage.small_files import read_small
from data_catalog.storage.typed_files import faults_of_validation
from forecast.checkpoints.identity import model_identity
from forecast.checkpoints.training_record import RECORD_VERSION, TrainingRecord
from forecast.system.section import Section

DESCRIPTION = "model.json"
FORMAT_VERSION = 3
SIMPLE_VERSION = 2
"""Format version of checkpoints that earlier releases can open: one network, in half precision."""
NO_LEAD_TIME_VERSION = 1
"""Format version of checkpoints whose network does not know the lead time of the step, the last scalar condition."""
READABLE_VERSIONS = (NO_LEAD_TIME_VERSION, SIMPLE_VERSION, FORMAT_VERSION)


class ClimatologyLayout(Section):
    """Dimensions, coordinates and attributes of the climatology, whose values are stored with the weights."""

    dims: tuple[str, ...]
    coords: dict[str, list[Any]]
    """Coordinates other than latitude and longitude."""
    attrs: dict[str, Any]


class Description(Section):
    """The content of `model.json`."""

    model_config = ConfigDict(extra="ignore")

    format_version: int
    system: dict[str, Any]
    """Content of the system file at the time of training."""
    latitude: tuple[float, ...]
    """Latitudes of the model's grid, degrees."""
    longitude: tuple[float, ...]
    climatology: ClimatologyLayout
    training: TrainingRecord
    weights_sha256: str
    """SHA-256 of the file of the weights."""
    content: dict[str, Any]
    """All of the above as stored in the file; it determines the identity of the model."""

    @field_validator("training", mode="before")
    @classmethod
    def _of_any_version(cls, content: object) -> object:
        return TrainingRecord.from_content(content) if isinstance(content, Mapping) else content

    @property
    def model_id(self) -> str:
        """Identity of the model without a calibration card."""
        return model_identity(self.content)


def write_description(directory: Path, content: Mapping[str, Any]) -> None:
    """Replace the description in a directory, atomically.

    Args:
        directory: Directory of the checkpoint.
        content: Plain JSON values of each field of a `Description` except `content`.
    """
    write_durably(directory / DESCRIPTION, json.dumps(content, indent=1) + "\n")


def read_description(directory: Path) -> Description:
    """Read the description of a checkpoint.

    Args:
        directory: Directory of the checkpoint.

    Raises:
        ConfigurationError: There is no checkpoint, or a later release wrote it.
        InvalidDataError: The description is damaged.
    """
    path = directory / DESCRIPTION
    try:
        content = from_json(read_small(path))
    except OSError as error:
        raise ConfigurationError(f"checkpoint {directory}: expected {DESCRIPTION}, found {error.strerror}") from None
    except ValueError as error:
        raise InvalidDataError(f"{path}: expected JSON, found {error}") from None
    _check_versions(path, content)
    if absent := [name for name in Description.model_fields if name not in content and name != "content"]:
        raise InvalidDataError(f"{path}: expected {absent[0]}, found none")
    try:
        return Description.model_validate(content | {"content": content})
    except ValidationError as error:
        raise InvalidDataError(f"{path}: {faults_of_validation(error)[0]}") from None


def _check_versions(path: Path, content: object) -> None:
    table = content if isinstance(content, dict) else {}
    if (found := table.get("format_version")) not in READABLE_VERSIONS:
        raise ConfigurationError(f"{path}: expected format_version {READABLE_VERSIONS}, found {found}")
    training = table.get("training")
    version = training.get("record_version", RECORD_VERSION) if isinstance(training, dict) else RECORD_VERSION
    if version != RECORD_VERSION:
        raise ConfigurationError(f"{path}: expected training.record_version {RECORD_VERSION}, found {version}")
