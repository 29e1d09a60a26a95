"""A member is a function of model, system, init time and number alone."""

import numpy as np
import pytest
import torch
import xarray as xr

from data_catalog.errors import ConfigurationError, InvalidDataError, MissingDataError
from forecast.members.ensemble import MemberRequest, forecast_members

INIT = np.datetime64("2001-12-10", "ns")


def fields(checkpoint, system, analysis, members, *, leads=3, batch_size=2, init=INIT, **options):
    """Return (member, lead, latitude, longitude) by channel."""
    blocks = list(
        forecast_members(
            checkpoint, system, analysis, MemberRequest(init, members, leads), batch_size=batch_size, **options
        )
    )
    return {
        name: np.stack(
            [
                np.concatenate([block.fields[name] for block in blocks if block.lead_index == lead])
                for lead in range(leads)
            ],
            axis=1,
        )
        for name in system.state.predictands
    }


def assert_same_members(actual, expected, checkpoint):
    for name, std in zip(checkpoint.standardiser.channels, checkpoint.standardiser.std, strict=True):
        standardised = np.sqrt if name == "tp24" else np.asarray  # the deviation of an amount is that of its root
        np.testing.assert_allclose(standardised(actual[name]), standardised(expected[name]), atol=1e-4 * std, rtol=0)


def test_members_do_not_depend_on_ensemble_size_or_batch(checkpoint, system, analysis):
    few = fields(checkpoint, system, analysis, range(2), batch_size=1)
    many = fields(checkpoint, system, analysis, range(6), batch_size=4)
    assert_same_members(few, {name: values[:2] for name, values in many.items()}, checkpoint)


def test_one_member_can_be_recomputed_alone(checkpoint, system, analysis):
    many = fields(checkpoint, system, analysis, range(5), batch_size=5)
    alone = fields(checkpoint, system, analysis, [3], batch_size=1)
    assert_same_members(alone, {name: values[3:4] for name, values in many.items()}, checkpoint)


@pytest.mark.parametrize("threads", [2, 3])
def test_members_are_the_same_bytes_with_any_number_of_threads(checkpoint, system, analysis, threads):
    """Batches of two are made one after the other by one thread, side by side by several."""
    one = fields(checkpoint, system, analysis, range(6))
    torch.set_num_threads(threads)
    try:
        several = fields(checkpoint, system, analysis, range(6))
        assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(1)
    for name, values in one.items():
        np.testing.assert_array_equal(several[name], values)


def test_batches_side_by_side_take_turns(checkpoint, system, analysis):
    torch.set_num_threads(2)
    try:
        made = list(forecast_members(checkpoint, system, analysis, MemberRequest(INIT, range(6), 2), batch_size=2))
    finally:
        torch.set_num_threads(1)
    turns = [(block.members, block.lead_index) for block in made]
    assert turns[:4] == [((0, 1), 0), ((2, 3), 0), ((0, 1), 1), ((2, 3), 1)]
    assert turns[4:] == [((4, 5), 0), ((4, 5), 1)]


def test_members_differ_from_each_other(checkpoint, system, analysis):
    members = fields(checkpoint, system, analysis, range(2))["z500"]
    assert np.abs(members[0] - members[1]).max() > 1.0


def test_a_killed_forecast_resumes_bit_for_bit(checkpoint, system, analysis, tmp_path):
    whole = fields(checkpoint, system, analysis, range(4))
    interrupted = forecast_members(
        checkpoint, system, analysis, MemberRequest(INIT, range(4), 3), batch_size=2, state_directory=tmp_path
    )
    for _ in range(4):  # the first batch and one lead step of the second
        next(interrupted)
    interrupted.close()
    resumed = fields(checkpoint, system, analysis, range(4), state_directory=tmp_path)
    for name, values in whole.items():
        np.testing.assert_array_equal(resumed[name], values)


def test_precipitation_is_never_negative(checkpoint, system, analysis):
    assert fields(checkpoint, system, analysis, range(4))["tp24"].min() >= 0


def test_init_time_after_the_analysis_is_missing_data(checkpoint, system, analysis):
    late = analysis["time"].values[-1] + np.timedelta64(1, "D")
    with pytest.raises(MissingDataError, match=r"expected an analysis at 2002-02-05T00:00Z, found 400 times"):
        fields(checkpoint, system, analysis, [0], init=late)


def test_init_time_before_the_analysis_is_invalid_data(checkpoint, system, analysis):
    with pytest.raises(InvalidDataError, match="expected an analysis at 2000-12-31"):
        fields(checkpoint, system, analysis, [0], init=analysis["time"].values[0])


def test_nan_in_the_analysis_names_variable_and_time(checkpoint, system, analysis):
    holed = analysis.copy(deep=True)
    holed["u850"].loc[{"time": INIT}] = holed["u850"].sel(time=INIT).where(holed["longitude"] > 30)
    with pytest.raises(InvalidDataError, match=r"u850: expected finite values, found NaN at 2001-12-10T00:00"):
        fields(checkpoint, system, holed, [0])


def test_checkpoint_of_another_system_is_refused(checkpoint, system, analysis):
    other = system.changed(name="other")
    with pytest.raises(ConfigurationError, match="expected one of system 'other'"):
        fields(checkpoint, other, analysis, [0])


def test_another_grid_is_refused(checkpoint, system, analysis):
    with pytest.raises(InvalidDataError, match="expected the model's grid"):
        fields(checkpoint, system, analysis.isel(latitude=slice(1, None)), [0])


def test_members_start_from_the_members_of_the_analysis_in_turn(checkpoint, system, analysis):
    perturbed = analysis.copy(deep=True)
    perturbed["z500"] += 5.0
    ensemble = xr.concat([analysis, perturbed], xr.DataArray([0, 7], dims="member", name="member"))
    together = fields(checkpoint, system, ensemble, range(4))
    for start, single in enumerate((analysis, perturbed)):
        expected = fields(checkpoint, system, single, [start, start + 2])
        assert_same_members({name: one[start::2] for name, one in together.items()}, expected, checkpoint)
    assert np.abs(together["z500"][1] - fields(checkpoint, system, analysis, [1])["z500"][0]).max() > 1.0
