"""Settings that contradict the grid, the channels or the processes are refused before anything is computed."""

import numpy as np
import pytest

from data_catalog.errors import ConfigurationError
from forecast.parallel.ranks import ALONE, Ranks
from forecast.sphere.grid import Grid
from forecast.training.checks import check_settings, check_shares, refuse_unfinished
from forecast.training.stages import stages

REGION = Grid(np.linspace(10, 45, 8), np.linspace(0, 60, 16))


def section(system, name, **changes):
    return system.changed(**{name: getattr(system, name).changed(**changes)})


def test_batches_divide_among_the_processes(system):
    check_shares(stages(system), ALONE)
    check_shares(stages(system), Ranks(count=4))
    with pytest.raises(ConfigurationError, match="batch_size of denoising: expected a multiple of the 3 processes"):
        check_shares(stages(system), Ranks(count=3))


def test_a_training_does_not_start_where_another_was_interrupted(tmp_path):
    refuse_unfinished(tmp_path)
    (tmp_path / "training.safetensors").touch()
    with pytest.raises(ConfigurationError, match=r"expected no unfinished training in .*, found one; resume it"):
        refuse_unfinished(tmp_path)


@pytest.mark.parametrize("key", ["spectral_weight", "amounts_weight"])
def test_a_region_has_no_spectral_term(system, checkpoint, key):
    tuned = system.changed(finetuning=({"iterations": 1, key: 0.1},))
    check_settings(tuned, checkpoint.grid, starts_trained=False)
    with pytest.raises(ConfigurationError, match=rf"finetuning.{key}: expected 0 on a region"):
        check_settings(tuned, REGION, starts_trained=False)


def test_the_pretraining_of_a_region_has_no_spectral_term(system):
    year = {"start": "2001-01-01", "end": "2001-12-31"}
    pretraining = {"dataset": "globe", "period": year, "finetuning": ({"spectral_weight": 0.1},)}
    pretrained = system.changed(pretraining=pretraining)
    with pytest.raises(ConfigurationError, match="expected 0 on a region"):
        check_settings(pretrained, REGION, starts_trained=False)
    check_settings(pretrained, REGION, starts_trained=True)


def test_the_amounts_term_needs_a_predicted_amount(system, checkpoint):
    dry = section(system.changed(finetuning=({"amounts_weight": 1.0},)), "state", predictands=("z500", "u850"))
    with pytest.raises(ConfigurationError, match="amounts_weight: expected 0, as no predictand is an amount"):
        check_settings(dry, checkpoint.grid, starts_trained=False)


def test_a_region_cannot_be_mirrored(system, checkpoint):
    mirrored = section(system, "training", mirrored=True)
    check_settings(mirrored, checkpoint.grid, starts_trained=False)
    with pytest.raises(ConfigurationError, match=r"training\.mirrored: expected a globe that is symmetric"):
        check_settings(mirrored, REGION, starts_trained=False)


def test_a_linear_anchor_is_fitted_in_memory(system, checkpoint):
    archived = section(system, "training", loader="archive")
    check_settings(archived, checkpoint.grid, starts_trained=False)
    linear = section(archived, "anchor", kind="linear", eofs=4)
    check_settings(linear, checkpoint.grid, starts_trained=True)
    for refused, starts_trained in ((linear, False), (section(linear, "anchor", cross_fitted=True), True)):
        with pytest.raises(ConfigurationError, match=r"expected anchor\.kind 'persistence' or 'mean' where"):
            check_settings(refused, checkpoint.grid, starts_trained=starts_trained)
