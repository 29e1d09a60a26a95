"""A checkpoint that does not fit is refused, with what was expected and what was found."""

from dataclasses import replace

import numpy as np
import pytest

from data_catalog.errors import ConfigurationError
from forecast.calibration.correction import Calibration
from forecast.checkpoints.compatibility import (
    check_combines,
    check_forecasts,
    check_same_state,
    check_same_training,
    check_starts_training,
)
from forecast.sphere.grid import Grid


def state(system, **changes):
    return system.changed(state=system.state.changed(**changes))


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"predictands": ("z500", "u850")}, "expected predictands z500, u850 of 'tiny', found z500, u850, tp24"),
        ({"static": ()}, "expected static channels none of 'tiny', found orography"),
        ({"step_hours": 12}, "expected step_hours 12 of 'tiny', found 24"),
        ({"past_states": 3}, "expected past_states 3 of 'tiny', found 2"),
    ],
)
def test_a_checkpoint_of_another_state_cannot_forecast(system, checkpoint, changes, fault):
    with pytest.raises(ConfigurationError, match=f"here was trained for system 'tiny': {fault}"):
        check_same_state(state(system, **changes), system, where="here")
    with pytest.raises(ConfigurationError, match=fault):
        check_forecasts(checkpoint, state(system, **changes))


def test_a_checkpoint_of_another_dataset_or_name_cannot_forecast(system, checkpoint):
    check_forecasts(checkpoint, system)
    with pytest.raises(ConfigurationError, match="expected dataset other of 'tiny', found tiny"):
        check_forecasts(checkpoint, system.changed(dataset="other"))
    with pytest.raises(ConfigurationError, match="expected one of system 'other', found one of 'tiny'"):
        check_forecasts(checkpoint, system.changed(name="other"))


def test_settings_that_do_not_change_the_state_do_not_matter(system, checkpoint):
    check_forecasts(checkpoint, system.changed(title="Other", sampler=system.sampler.changed(sampling_steps=5)))


def test_a_card_is_valid_only_for_its_sampler(system, checkpoint):
    spread = dict.fromkeys(system.state.predictands, (1.1,))
    card = Calibration(fitted_to=system.sampler, sampler=system.sampler, centre="mirrored", spread=spread)
    calibrated = replace(checkpoint, calibration=card)
    check_forecasts(calibrated, system)
    with pytest.raises(ConfigurationError, match=r"calibration\.json: expected a card fitted to the sampler .*'tiny'"):
        check_forecasts(calibrated, system.changed(sampler=system.sampler.changed(sampling_steps=5)))


def test_another_training_is_not_resumed(system):
    wanted = system.training_hash()
    check_same_training(wanted, system.changed(title="Other").training_hash(), where="here")
    other = system.changed(training=system.training.changed(seed=1)).training_hash()
    with pytest.raises(ConfigurationError, match="here: expected the training of this system, found another one"):
        check_same_training(wanted, other, where="here")
    with pytest.raises(ConfigurationError, match="here: expected the mean network, found another one"):
        check_same_training(wanted, other, where="here", what="the mean network")


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"state": {"predictands": ("u850", "z500", "tp24")}}, r"predictands \('u850', 'z500', 'tp24'\), found"),
        ({"state": {"past_states": 1}}, "past_states 1, found 2"),
        ({"training": {"step_hours": (24, 48)}}, "steps of 24 and 48 h, found of 24 h"),
        ({"anchor": {"kind": "linear", "eofs": 5}}, r"anchor \('linear', 'eofs', 5\), found \('persistence',\)"),
    ],
)
def test_a_training_starts_from_a_checkpoint_of_the_same_state(system, checkpoint, changes, fault):
    check_starts_training(checkpoint, system, checkpoint.grid)
    sections = {name: getattr(system, name).changed(**values) for name, values in changes.items()}
    with pytest.raises(ConfigurationError, match=f"training from a checkpoint: expected one with {fault}"):
        check_starts_training(checkpoint, system.changed(**sections), checkpoint.grid)


def test_a_training_starts_on_the_same_grid(system, checkpoint):
    moved = Grid(checkpoint.grid.latitude, checkpoint.grid.longitude + 1)
    with pytest.raises(ConfigurationError, match=r"the grid \(8, 16\) of the analysis, found \(8, 16\) or other"):
        check_starts_training(checkpoint, system, moved)


@pytest.fixture
def two(system):
    return system.changed(training=system.training.changed(networks=2))


@pytest.fixture
def networks(two, checkpoint):
    """The two networks of a system, which differ only in their seeds."""
    return [replace(checkpoint, system=two.of_network(number)) for number in range(2)]


def test_networks_trained_in_the_same_way_are_combined(two, networks):
    check_combines(two, networks)
    with pytest.raises(ConfigurationError, match="network 0 of system tiny: expected the training of this system"):
        check_combines(two, networks[::-1])


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"initial_checkpoint": "abc"}, "expected initial checkpoint None as of network 0, found abc"),
        ({"last_analysis": "2001-06-30"}, r"expected analyses .* found \['2001-01-01T00:00', '2001-06-30'\]"),
        ({"stages": {}}, r"expected iterations \[6\] as of network 0, found \[\]"),
    ],
)
def test_networks_trained_differently_are_not_combined(two, networks, changes, fault):
    other = replace(networks[1], training=networks[1].training.changed(**changes))
    with pytest.raises(ConfigurationError, match=f"network 1 of system tiny: {fault}"):
        check_combines(two, [networks[0], other])


def test_networks_of_another_climatology_are_not_combined(two, networks):
    own = networks[1].standardiser

    def with_climatology(climatology):
        return [networks[0], replace(networks[1], standardiser=replace(own, climatology=climatology))]

    check_combines(two, with_climatology(own.climatology * np.float32(1 + 1e-7)))
    with pytest.raises(ConfigurationError, match=r"network 1 .*: expected the climatology of network 0, found another"):
        check_combines(two, with_climatology(own.climatology + 5 * float(own.std[0])))
