"""Calibration cards: a calibration as a file beside its checkpoint, with the days it was fitted to and its effect.

A card belongs to one checkpoint and one sampler. It enters the identity of the members, and holds a hash of its own
content, so that a damaged card is found when it is opened.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import xarray as xr
from pydantic import ValidationError
from pydantic_core import from_json

from data_catalog.errors import ConfigurationError, InvalidDataError
from data_catalog.storage.atomic_files import write_durably
from data_catalog.storage.small_files import read_small
from data_catalog.storage.typed_files import faults_of_validation
from forecast.calibration.correction import Calibration
from forecast.system.section import Positive, Section

CARD = "calibration.json"
CARD_VERSION: Literal[1] = 1
_REMEDY = "calibrate the checkpoint again, or remove the file"
ByLead = dict[str, float]
"""A number by lead hours."""


class CalibrationScores(Section):
    """Scores on the days that a card was fitted to, by channel and lead hours."""

    crps: dict[str, ByLead]
    """Fair CRPS, units of the channel."""
    spread_skill: dict[str, ByLead]
    """Ensemble spread over the error of the ensemble mean."""

    @classmethod
    def of(cls, scores: xr.Dataset) -> Self:
        """Return the scores of a dataset, rounded to five digits.

        Args:
            scores: `crps` and `spread_skill` by channel and lead_time.
        """

        def table(name: str) -> dict[str, ByLead]:
            field = scores[name].transpose("channel", "lead_time")
            hours = [f"{float(lead / np.timedelta64(1, 'h')):g}" for lead in field["lead_time"].values]
            channels = field["channel"].values.tolist()
            return {
                channel: dict(zip(hours, map(significant, row), strict=True))
                for channel, row in zip(channels, field.values.tolist(), strict=True)
            }

        return cls(crps=table("crps"), spread_skill=table("spread_skill"))


class CalibrationRecord(Section):
    """The days and forecasts that a card was fitted to, and its effect on their scores."""

    period: tuple[str, str]
    """First and last day that starts and valid times lie in."""
    starts: Positive
    """Number of forecasts."""
    members: Positive
    """Size of each ensemble."""
    seen_in_training: bool
    """Whether the network was trained on some of these days, so that its errors there are smaller than elsewhere."""
    relative_crps: float
    """Fair CRPS with the card divided by that without, averaged over channels and lead times."""
    before: CalibrationScores
    """Scores without the card."""
    after: CalibrationScores
    """Scores with the card."""


class CalibrationCard(Section):
    """A calibration of one checkpoint, and the record of how it was fitted."""

    format_version: Literal[1] = CARD_VERSION
    model_id: str
    """Identity of the checkpoint without its card."""
    calibration: Calibration
    record: CalibrationRecord

    def content(self) -> dict[str, Any]:
        """Return the plain values that are stored; samplers leave out keys added later that change nothing."""
        values, fitted = self.model_dump(mode="json"), self.calibration
        samplers = {"fitted_to": fitted.fitted_to.hashed_values(), "sampler": fitted.sampler.hashed_values()}
        return values | {"calibration": values["calibration"] | samplers}

    @property
    def sha256(self) -> str:
        """SHA-256 of the content, 64 hexadecimal digits."""
        return _sha256(self.content())

    def identity_with(self, model_id: str) -> str:
        """Return the identity of the checkpoint with this card, 64 hexadecimal digits.

        Args:
            model_id: Identity of the checkpoint without its card.
        """
        return hashlib.sha256(f"{model_id}|{self.sha256}".encode()).hexdigest()


def save_card(directory: Path, card: CalibrationCard) -> Path:
    """Write a card beside its checkpoint, in place of an earlier one.

    Args:
        directory: Directory of the checkpoint.
        card: The card.

    Returns:
        Path of the file.
    """
    text = json.dumps({**card.content(), "sha256": card.sha256}, indent=1)
    return write_durably(directory / CARD, f"{text}\n")


def load_card(directory: Path, *, model_id: str, channels: tuple[str, ...]) -> CalibrationCard | None:
    """Read the card beside a checkpoint.

    Args:
        directory: Directory of the checkpoint.
        model_id: Identity of the checkpoint without a card.
        channels: The channels that it forecasts, in the order of the state.

    Returns:
        The card; None if there is no card.

    Raises:
        InvalidDataError: The card is damaged.
        ConfigurationError: The card has another format version, or belongs to another checkpoint.
    """
    path = directory / CARD
    try:
        content = from_json(read_small(path))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigurationError(f"{path}: expected a readable file, found {error.strerror}") from None
    except ValueError as error:
        raise InvalidDataError(f"{path}: expected JSON, found {error}; {_REMEDY}") from None
    card = _checked(path, content)
    if card.model_id != model_id or tuple(card.calibration.spread) != channels:
        raise ConfigurationError(
            f"{path}: expected the card of model {model_id[:12]}, found that of {card.model_id[:12]}; {_REMEDY}"
        )
    return card


def remove_card_of_another(directory: Path, model_id: str) -> None:
    """Remove the card beside a checkpoint if it does not belong to it, as after its weights were replaced.

    Args:
        directory: Directory of the checkpoint.
        model_id: Identity of the checkpoint without a card.
    """
    path = directory / CARD
    if path.exists():
        try:
            kept = from_json(read_small(path))["model_id"] == model_id
        except (ValueError, KeyError, TypeError):
            kept = False
        if not kept:
            path.unlink()


def significant(value: float) -> float:
    """Round a number to five digits, so that a card does not depend on the order of floating-point sums.

    Args:
        value: Any number.
    """
    return float(f"{value:.5g}")


def _checked(path: Path, content: object) -> CalibrationCard:
    if not isinstance(content, dict):
        raise InvalidDataError(f"{path}: expected a table, found {type(content).__name__}; {_REMEDY}")
    stored = dict(content)
    version, expected = stored.get("format_version"), stored.pop("sha256", None)
    if version != CARD_VERSION:
        raise ConfigurationError(f"{path}: expected format_version {CARD_VERSION}, found {version}; {_REMEDY}")
    if expected != _sha256(stored):
        raise InvalidDataError(f"{path}: expected sha256 {expected}, found {_sha256(stored)}; {_REMEDY}")
    try:
        return CalibrationCard.model_validate(stored)
    except ValidationError as error:
        raise InvalidDataError(f"{path}: {faults_of_validation(error, whole='card')[0]}; {_REMEDY}") from None


def _sha256(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
