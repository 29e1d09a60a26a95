"""Training data come from their periods, standardised by the training period alone."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from data_catalog.errors import InvalidDataError, MissingDataError
from forecast.parallel.ranks import ALONE
from forecast.states.standardiser import grid_of
from forecast.training.archived_states import ArchivedStates
from forecast.training.training_data import prepare_training_data, training_record


def prepare(system, analysis, **options):
    return prepare_training_data(
        system, analysis, **{"lead_steps": 1, "ranks": ALONE, "initial_checkpoint": None} | options
    )


def test_samples_are_of_their_periods(system, analysis):
    data = prepare(system, analysis, lead_steps=2)
    assert len(data.samples) == 334 - 3
    assert len(data.validation) == 31 - 3
    assert data.samples.batch(torch.tensor([0])).following.shape[1] == 2
    assert data.analysis.sizes["time"] == 334


def test_standardised_states_have_unit_variance(system, analysis):
    states, area = prepare(system, analysis).samples.parts[0].states, grid_of(analysis).area_weights()
    np.testing.assert_allclose((states.square() * area).mean(dim=(0, 2, 3)), np.ones(3), atol=0.02)


def test_a_start_from_a_checkpoint_keeps_its_standardisation(system, analysis, checkpoint):
    assert prepare(system, analysis, initial_checkpoint=checkpoint).standardiser is checkpoint.standardiser


def test_states_stay_in_the_archive_where_the_system_asks_for_it(system, analysis):
    archived = system.changed(training=system.training.changed(loader="archive", read_ahead=3))
    part = prepare(archived, analysis.chunk(time=10)).samples.parts[0]
    assert isinstance(part.states, ArchivedStates)
    assert part.ahead == 3


def test_periods_without_data_are_missing_data(system, analysis):
    with pytest.raises(MissingDataError, match="expected analyses from 2001-12-01 to 2001-12-31, found none"):
        prepare(system, analysis.sel(time=slice(None, "2001-11-30")))


def test_a_constant_channel_is_refused(system, analysis):
    with pytest.raises(InvalidDataError, match="z500: expected variation"):
        prepare(system, analysis.assign(z500=analysis["z500"] * 0 + 1))


def test_the_record_names_the_training_data(system, analysis):
    record = prepare(system, analysis).record
    assert (record.dataset, record.analyses) == ("tiny", 334)
    assert (record.first_analysis, record.last_analysis) == ("2001-01-01T00:00", "2001-11-30T00:00")
    assert record.validation_held_out
    assert (record.initial_checkpoint, record.stages) == (None, {})


def test_days_used_by_the_initial_checkpoint_are_not_held_out(system, analysis, checkpoint):
    for held_out in (True, False):
        initial = replace(checkpoint, training=checkpoint.training.changed(validation_held_out=held_out))
        record = training_record(system, analysis, initial)
        assert record.validation_held_out is held_out
        assert record.initial_checkpoint == checkpoint.model_id
