"""Reads TOML files into typed models, and reports every fault of a file or record in one line, named by its key."""

import itertools
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from data_catalog.errors import ConfigurationError, InvalidDataError
from data_catalog.storage.small_files import read_small
from data_catalog.suggestions import did_you_mean

_LONGEST_VALUE = 80


def read_toml(path: Path, *, origin: str) -> dict[str, Any]:
    """Read the tables of a TOML file.

    Args:
        path: The file.
        origin: What the file is, such as `system file x.toml`; errors start with it.

    Raises:
        ConfigurationError: The file is absent or not TOML.
    """
    try:
        return tomllib.loads(read_small(path).decode("utf-8"))
    except (OSError, InvalidDataError) as error:
        found = error.strerror if isinstance(error, OSError) else error
        raise ConfigurationError(f"{origin}: expected a readable file, found {found}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{origin}: expected TOML, found {error}") from None


def faults_of_validation(
    error: ValidationError, *, whole: str = "content", model: type[BaseModel] | None = None
) -> list[str]:
    """Return the errors that pydantic found, each as `key: what is wrong, found value`.

    Args:
        error: The error raised by the validation of a model.
        whole: Word to use instead of a key for errors that concern no single key.
        model: The model, whose keys are suggested in place of unknown ones that are like them; None to suggest none.
    """
    return [_fault(details, whole, model) for details in error.errors(include_url=False)]


def _fault(details: ErrorDetails, whole: str, model: type[BaseModel] | None) -> str:
    # For a network, pydantic puts the kind into the location, although it is not a key.
    parts = [part for before, part in itertools.pairwise((None, *details["loc"])) if before != "network"]
    key = ".".join(map(str, parts)) or whole
    if details["type"] == "extra_forbidden":
        *tables, wrong = map(str, details["loc"])
        return f"unknown key '{key}'{did_you_mean(wrong, _keys_of([model] if model else [], tables))}"
    if details["type"] == "missing":
        return f"{key}: expected a value, found none"
    message = f"{key}: {details['msg'].removeprefix('Value error, ')}"
    return message if isinstance(details["input"], dict) else f"{message}, found {_shortened(details['input'])}"


def _keys_of(models: Sequence[type[BaseModel]], tables: Sequence[str]) -> list[str]:
    """Return the keys of a table within models; of several models that it may be, the keys of all."""
    for table in tables:
        fields = [model.model_fields[table] for model in models if table in model.model_fields]
        if fields:
            models = [found for field in fields for found in _models_in(field.annotation)]
        else:  # the number of a table, or its kind
            models = [model for model in models if table in _kinds(model)] or models
    return [key for model in models for key in model.model_fields]


def _kinds(model: type[BaseModel]) -> tuple[str, ...]:
    return get_args(model.model_fields["kind"].annotation) if "kind" in model.model_fields else ()


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for part in get_args(annotation) for found in _models_in(part)]


def _shortened(value: object) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 1]}…"
