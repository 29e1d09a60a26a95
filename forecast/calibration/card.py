"""Calibration cards: a calibration as a file beside its checkpoint, with what it was fitted on and what that changed.

A card belongs to one checkpoint and one sampler, enters the identity of the members, and holds its own hash: a damaged
one is found when it is opened.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import xarray as xr
from pydantic import ValidationError

from data_catalog.errors import ConfigurationError, InvalidDataError
from data_catalog.storage.atomic_files import write_durably
from forecast.calibration.correction import Calibration
from forecast.system.section import Positive, Section

CARD = "calibration.json"
CARD_VERSION: Literal[1] = 1
_MEND = "make it again with 'plumecast calibrate', or remove it"
ByLead = dict[str, float]
"""Lead hours to a number."""


class CalibrationScores(Section):
    """Scores on the days that a card was fitted to, by channel and lead hours."""

    crps: dict[str, ByLead]
    """Fair CRPS, units of the channel."""
    spread_skill: dict[str, ByLead]
    """Ensemble spread over the error of the ensemble mean."""

    @classmethod
    def of(cls, scores: xr.Dataset) -> Self:
        """Return the scores of a dataset, rounded.

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
    """What a card was fitted on, and what that changed there."""

    period: tuple[str, str]
    """First and last day allowed."""
    starts: Positive
    members: Positive
    seen_in_training: bool
    """Whether the network had learned from some of these days, so that its errors look smaller than they are."""
    relative_crps: float
    """Fair CRPS with the card over that without, mean over channels and lead times."""
    before: CalibrationScores
    after: CalibrationScores


class CalibrationCard(Section):
    """What was fitted after training, to what, and what that changed."""

    format_version: Literal[1] = CARD_VERSION
    model_id: str
    """Of the checkpoint without its card."""
    calibration: Calibration
    record: CalibrationRecord

    def content(self) -> dict[str, Any]:
        """Plain values, as they are stored: samplers without the keys that came later and change nothing."""
        values, fitted = self.model_dump(mode="json"), self.calibration
        samplers = {"fitted_to": fitted.fitted_to.hashed_values(), "sampler": fitted.sampler.hashed_values()}
        return values | {"calibration": values["calibration"] | samplers}

    @property
    def sha256(self) -> str:
        """Of the content."""
        return _sha256(self.content())

    def identity_with(self, model_id: str) -> str:
        """Identity of a checkpoint with this card, given that without."""
        return hashlib.sha256(f"{model_id}|{self.sha256}".encode()).hexdigest()


def save_card(directory: Path, card: CalibrationCard) -> Path:
    """Write a card beside its checkpoint, in place of an earlier one.

    Returns:
        The file.
    """
    text = json.dumps({**card.content(), "sha256": card.sha256}, indent=1)
    return write_durably(directory / CARD, f"{text}\n")


def load_card(directory: Path, *, model_id: str, channels: tuple[str, ...]) -> CalibrationCard | None:
    """The card beside a checkpoint; None where there is none.

    Args:
        directory: Of the checkpoint.
        model_id: Of the checkpoint without a card.
        channels: That it forecasts.

    Raises:
        InvalidDataError: The card is damaged.
        ConfigurationError: It is of another format version, or of another checkpoint.
    """
    path = directory / CARD
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigurationError(f"{path}: expected a readable file, found {error.strerror}") from None
    except ValueError as error:
        raise InvalidDataError(f"{path}: expected JSON, found {error}; {_MEND}") from None
    card = _checked(path, content)
    if card.model_id != model_id or tuple(card.calibration.spread) != channels:
        raise ConfigurationError(
            f"{path}: expected the card of model {model_id[:12]}, found that of {card.model_id[:12]}; {_MEND}"
        )
    return card


def remove_card_of_another(directory: Path, model_id: str) -> None:
    """Remove a card that does not belong to a checkpoint, because its weights have been replaced."""
    path = directory / CARD
    if path.exists():
        try:
            kept = json.loads(path.read_bytes())["model_id"] == model_id
        except (ValueError, KeyError, TypeError):
            kept = False
        if not kept:
            path.unlink()


def significant(value: float) -> float:
    """Round to five digits, so that a card does not depend on the order in which sums were taken."""
    return float(f"{value:.5g}")


def _checked(path: Path, content: object) -> CalibrationCard:
    if not isinstance(content, dict):
        raise InvalidDataError(f"{path}: expected a table, found {type(content).__name__}; {_MEND}")
    stored = dict(content)
    version, expected = stored.get("format_version"), stored.pop("sha256", None)
    if version != CARD_VERSION:
        raise ConfigurationError(f"{path}: expected format_version {CARD_VERSION}, found {version}; {_MEND}")
    if expected != _sha256(stored):
        raise InvalidDataError(f"{path}: expected sha256 {expected}, found {_sha256(stored)}; {_MEND}")
    try:
        return CalibrationCard.model_validate(stored)
    except ValidationError as error:
        fault = error.errors()[0]
        place = ".".join(str(part) for part in fault["loc"]) or "card"
        raise InvalidDataError(f"{path}: {place}: {fault['msg']}, found {fault['input']!r}; {_MEND}") from None


def _sha256(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
