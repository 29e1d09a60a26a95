"""However an ensemble is cut into files, joining them gives it back, and each field counts once."""

import logging

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from data_catalog.errors import InvalidDataError
from forecast.products.files.forecast_joining import join_forecasts
from forecast.products.files.forecast_reading import UNLABELLED_MEMBERS

STARTS = np.array(["2008-01-03", "2008-01-05"], "datetime64[ns]")
LEADS = np.array([24, 48], "timedelta64[h]").astype("timedelta64[ns]")
DIMS = ("init_time", "member", "lead_time", "latitude", "longitude")


def ensemble() -> xr.Dataset:
    generator = np.random.default_rng(0)
    fields = {name: (DIMS, generator.standard_normal((2, 3, 2, 2, 4)).astype("f4")) for name in ("t2m", "msl")}
    axes = {"init_time": STARTS, "member": [0, 1, 4], "lead_time": LEADS}
    return xr.Dataset(fields, {**axes, "latitude": [0.0, 10.0], "longitude": np.arange(4.0)}).chunk(member=1)


def cut(forecast: xr.Dataset, *dims: str) -> dict[str, xr.Dataset]:
    """A file for each index along some dimensions."""
    files = {"file": forecast}
    for dim in dims:
        files = {
            f"{name} {dim}{index}": part.isel({dim: [index]})
            for name, part in files.items()
            for index in range(part.sizes[dim])
        }
    return files


def unlabelled(forecast: xr.Dataset) -> xr.Dataset:
    bare = forecast.assign_coords(member=np.arange(forecast.sizes["member"]))
    return bare.assign_attrs({UNLABELLED_MEMBERS: 1})


def check_whole(joined: list[xr.Dataset], expected: xr.Dataset) -> None:
    """Each start once, all its channels, members and lead times."""
    merged = [xr.merge([one for one in joined if one["init_time"] == start], join="exact") for start in STARTS]
    for found, start in zip(merged, STARTS, strict=True):
        wanted = expected.sel(init_time=start)
        assert set(found.data_vars) == set(wanted.data_vars)
        for name, field in wanted.items():
            xr.testing.assert_equal(found[name].transpose(*field.dims).compute(), field.compute())


@settings(max_examples=20, deadline=None)
@given(
    dims=st.lists(st.sampled_from(["member", "lead_time", "init_time"]), unique=True),
    by_channel=st.booleans(),
    data=st.data(),
)
def test_files_of_any_cut_and_order_are_joined(dims: list[str], by_channel: bool, data: st.DataObject) -> None:
    whole = ensemble()
    files = cut(whole, *dims)
    if by_channel:
        files = {f"{file} {name}": part[[name]] for file, part in files.items() for name in ("t2m", "msl")}
    names = data.draw(st.permutations(list(files)))
    check_whole(join_forecasts({name: files[name] for name in names}), whole)


def test_joining_reads_nothing() -> None:
    whole = ensemble()
    blocks = [0]

    def counted(block: np.ndarray) -> np.ndarray:
        blocks[0] += block.size > 0
        return block

    lazy = whole.assign({name: field.copy(data=field.data.map_blocks(counted)) for name, field in whole.items()})
    blocks[0] = 0
    joined = join_forecasts(cut(lazy, "member", "lead_time", "init_time"))
    assert blocks[0] == 0
    joined[0].compute()
    assert blocks[0] > 0


def test_members_without_numbers_are_told_apart_by_their_values() -> None:
    whole = unlabelled(ensemble())
    files = {file: unlabelled(part) for file, part in cut(whole, "lead_time", "member").items()}
    check_whole(join_forecasts(files), whole)


def test_a_control_without_a_number_goes_beside_numbered_members() -> None:
    whole = ensemble()
    joined = join_forecasts({"control": unlabelled(whole.isel(member=[0])), "perturbed": whole.isel(member=[1, 2])})
    assert joined[0]["member"].values.tolist() == [0, 1, 4]
    joined = join_forecasts({"control": unlabelled(whole.isel(member=[1])), "perturbed": whole.isel(member=[0, 2])})
    assert joined[0]["member"].values.tolist() == [0, 4, 5]


@pytest.mark.parametrize("numbers", [True, False])
def test_a_second_copy_is_said_and_counts_once(caplog: pytest.LogCaptureFixture, numbers: bool) -> None:
    whole = ensemble() if numbers else unlabelled(ensemble())
    with caplog.at_level(logging.WARNING, logger="plumecast"):
        check_whole(join_forecasts({"first": whole, "copy": whole.isel(lead_time=[1])}), whole)
    assert caplog.messages == ["copy: 12 fields are in first too, with the same values, and count once"]


def test_other_values_of_the_same_members_are_refused() -> None:
    whole = ensemble()
    words = r"forecast other: t2m from 2008-01-03T00:00Z at 48 h: .* found member 1 to 4 with other values in first"
    with pytest.raises(InvalidDataError, match=words):
        join_forecasts({"first": whole, "other": whole.isel(member=[1, 2], lead_time=[1]) + 1})


def test_a_member_that_lacks_a_lead_time_is_named() -> None:
    whole = ensemble()
    files = {"a": whole.isel(member=[0, 1]), "b": whole.isel(member=[2], lead_time=[0])}
    with pytest.raises(InvalidDataError, match=r"found 3 at 24 h and 2 at 48 h \(only one has member 4\)"):
        join_forecasts(files)


def test_channels_with_other_lead_times_stand_apart() -> None:
    whole = ensemble()
    joined = join_forecasts({"a": whole[["t2m"]], "b": whole[["msl"]].isel(lead_time=[1])})
    assert [(list(one.data_vars), one.sizes["lead_time"]) for one in joined] == [(["t2m"], 2), (["msl"], 1)] * 2


def test_grids_that_agree_but_for_rounding_are_one() -> None:
    whole = ensemble()
    rounded = whole.isel(member=[2]).assign_coords(longitude=whole["longitude"] + 1e-6)
    check_whole(join_forecasts({"a": whole.isel(member=[0, 1]), "b": rounded}), whole)
    moved = rounded.assign_coords(longitude=whole["longitude"] + 0.5)
    with pytest.raises(InvalidDataError, match=r"forecast b \(grid of a\): expected longitude"):
        join_forecasts({"a": whole.isel(member=[0, 1]), "b": moved})
