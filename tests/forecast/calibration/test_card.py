"""A card belongs to one checkpoint, enters its identity, and is checked when it is opened."""

import json
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from data_catalog.errors import ConfigurationError, InvalidDataError
from forecast.calibration.card import (
    CARD,
    CalibrationCard,
    CalibrationRecord,
    CalibrationScores,
    save_card,
    significant,
)
from forecast.calibration.correction import Calibration
from forecast.checkpoints.files import load_checkpoint, save_checkpoint


def calibration(system, factor=1.3, **changes):
    spread = dict.fromkeys(system.state.predictands, (factor, 1.0))
    given = {"fitted_to": system.sampler, "sampler": system.sampler, "centre": "mirrored", "spread": spread}
    return Calibration(**(given | changes))


def card_for(checkpoint, fitted):
    empty = CalibrationScores(crps={}, spread_skill={})
    record = CalibrationRecord(
        period=("2001-12-01", "2001-12-31"),
        starts=2,
        members=3,
        seen_in_training=False,
        relative_crps=0.99,
        before=empty,
        after=empty,
    )
    return CalibrationCard(model_id=checkpoint.model_id, calibration=fitted, record=record)


@pytest.fixture
def directory(checkpoint, tmp_path):
    save(checkpoint, tmp_path)
    return tmp_path


def save(checkpoint, directory, weights=None):
    return save_checkpoint(
        directory,
        system=checkpoint.system,
        grid=checkpoint.grid,
        standardiser=checkpoint.standardiser,
        weights=[weights or checkpoint.model.state_dict()],
        training=checkpoint.training,
    )


def test_identity_follows_the_card(checkpoint, system, directory):
    without = load_checkpoint(directory)
    assert (without.model_id, without.calibration, without.card_sha256) == (checkpoint.model_id, None, None)
    card = card_for(checkpoint, calibration(system))
    save_card(directory, card)
    first = load_checkpoint(directory)
    assert first.calibration == card.calibration
    assert first.card_sha256 == card.sha256
    save_card(directory, card_for(checkpoint, calibration(system, factor=1.2)))
    second = load_checkpoint(directory)
    assert len({without.model_id, first.model_id, second.model_id}) == 3
    assert load_checkpoint(directory, calibrated=False).model_id == without.model_id


def test_a_damaged_card_is_found(checkpoint, system, directory):
    path = save_card(directory, card_for(checkpoint, calibration(system)))
    path.write_text(path.read_text().replace("1.3", "1.4", 1))
    with pytest.raises(
        InvalidDataError, match=r"calibration\.json: expected sha256 .* found .*; calibrate the checkpoint again"
    ):
        load_checkpoint(directory)
    path.write_text(path.read_text()[:-20])
    with pytest.raises(InvalidDataError, match="expected JSON"):
        load_checkpoint(directory)
    path.write_text("[]")
    with pytest.raises(InvalidDataError, match="expected a table, found list"):
        load_checkpoint(directory)
    path.write_text(json.dumps({"format_version": 9}))
    with pytest.raises(ConfigurationError, match="expected format_version 1, found 9"):
        load_checkpoint(directory)


def test_a_card_of_other_weights_is_refused_and_goes_when_they_are_replaced(checkpoint, system, directory):
    path = save_card(directory, card_for(replace(checkpoint, model_id="f" * 64), calibration(system)))
    with pytest.raises(ConfigurationError, match=r"expected the card of model .* found that of ffffffffffff"):
        load_checkpoint(directory)
    save_card(directory, card_for(checkpoint, calibration(system)))
    save(checkpoint, directory)
    assert path.exists()
    weights = {name: value.clone() for name, value in checkpoint.model.state_dict().items()}
    weights["position"] += 1e-3
    save(checkpoint, directory, weights)
    assert not (directory / CARD).exists()


def test_scores_are_tables_by_channel_and_lead_hours():
    lead_time = np.array([6, 36], dtype="timedelta64[h]").astype("timedelta64[ns]")
    values = xr.DataArray(
        [[1.0, 2.0], [3.0, 4.123456]],
        dims=("channel", "lead_time"),
        coords={"channel": ["z500", "msl"], "lead_time": lead_time},
    )
    scores = CalibrationScores.of(xr.Dataset({"crps": values.T, "spread_skill": values / 10, "rmse": values}))
    assert scores.crps == {"z500": {"6": 1.0, "36": 2.0}, "msl": {"6": 3.0, "36": 4.1235}}
    assert scores.spread_skill["msl"]["36"] == 0.41235


@pytest.mark.parametrize(("value", "rounded"), [(123456.7, 123460.0), (0.00123456, 0.0012346), (0.0, 0.0)])
def test_numbers_are_rounded_to_five_digits(value, rounded):
    assert significant(value) == rounded
