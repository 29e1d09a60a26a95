"""Ensembles of one truth in layouts of others, and in layouts of nobody."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from data_catalog.errors import InvalidDataError
from data_catalog.layout.axes import as_analysis, as_forecast, field_names
from data_catalog.layout.axis_names import SPELLINGS
from data_catalog.layout.canonical import canonicalise

STARTS = np.array(["2008-01-03", "2008-01-05"], "M8[ns]")
LEADS = np.array([24, 48], "m8[h]").astype("m8[ns]")
LATITUDE, LONGITUDE = np.array([-30.0, 0.0, 45.0]), np.array([10.0, 20.0, 30.0, 40.0])
DIMS = ("init_time", "member", "lead_time", "latitude", "longitude")


def _truth() -> xr.Dataset:
    """Each value stands for its place alone."""
    values = (250 + np.arange(2 * 3 * 2 * 3 * 4) / 8).reshape(2, 3, 2, 3, 4).astype("f4")
    axes = {
        "init_time": STARTS, "member": np.arange(3), "lead_time": LEADS, "latitude": LATITUDE, "longitude": LONGITUDE,
    }  # fmt: skip
    return xr.Dataset({"t2m": (DIMS, values, {"units": "K"})}, axes)


TRUTH = _truth()


def _read(dataset: xr.Dataset) -> xr.DataArray:
    return canonicalise(dataset, where="x", forecast=True)["t2m"]


def _check(dataset: xr.Dataset, expected: xr.Dataset = TRUTH) -> None:
    found, wanted = _read(dataset), expected["t2m"]
    for dim in ("init_time", "lead_time", "latitude", "longitude"):
        np.testing.assert_array_equal(found[dim].values, wanted[dim].values)
    np.testing.assert_array_equal(np.squeeze(found.values), np.squeeze(wanted.values))


@pytest.mark.parametrize(
    "names",
    [
        {"member": "number", "lead_time": "step", "init_time": "time"},
        {"member": "realization", "lead_time": "forecast_period", "init_time": "forecast_reference_time"},
        {"member": "M", "lead_time": "L", "init_time": "S", "latitude": "Y", "longitude": "X"},
        {"init_time": "init", "lead_time": "lead"},
        {"member": "eps", "init_time": "ref_time", "latitude": "lat", "longitude": "lon"},
        {"member": "mem"},
        {"member": "ens_member"},
    ],
)
def test_names_of_others(names):
    _check(TRUTH.rename(names))


@pytest.mark.parametrize(
    ("labels", "numbers"),
    [
        (["gec00", "gep01", "gep02"], [0, 1, 2]),
        (np.array([b"a", b"b", b"c"]), [0, 1, 2]),
        (np.array(["x", None, 3], object), [0, 1, 2]),
        ([1.0, 2.0, 3.0], [1, 2, 3]),
        ([0.5, 1.5, 2.5], [0, 1, 2]),
        ([7, 3, 5], [7, 3, 5]),
        (STARTS[0] + np.arange(3) * LEADS[0], [0, 1, 2]),
    ],
)
def test_labels_of_members(labels, numbers):
    labelled = TRUTH.assign_coords(member=labels)
    _check(labelled)
    assert _read(labelled)["member"].values.tolist() == numbers


def test_members_without_labels_are_numbered():
    bare = TRUTH.drop_vars("member").rename_dims(member="number")
    _check(bare)
    assert _read(bare)["member"].values.tolist() == [0, 1, 2]
    one = TRUTH.isel(member=1, drop=True)
    _check(one, TRUTH.isel(member=1))
    assert _read(one)["member"].values.tolist() == [0]


def _with_valid_times(forecast: xr.Dataset) -> xr.Dataset:
    start = forecast["init_time"].values
    return (
        forecast.rename(member="realization", lead_time="time", init_time="forecast_reference_time")
        .assign_coords(time=start + LEADS)
        .assign_coords(forecast_period=("time", [24.0, 48.0], {"units": "hours"}))
    )


def test_files_in_our_own_layout_and_pieces_of_them():
    one = TRUTH.isel(init_time=0)
    ours = _with_valid_times(one)
    _check(ours, one)
    _check(ours.isel(realization=0), one.isel(member=0))
    _check(ours.isel(time=1), one.isel(lead_time=1))
    _check(ours.isel(time=1, realization=2), one.isel(lead_time=1, member=2))
    _check(ours.rename(latitude="lat", longitude="lon"), one)
    _check(ours.isel(latitude=[1], longitude=2), one.isel(latitude=[1], longitude=[2]))
    _check(ours.isel(latitude=1, longitude=2), one.isel(latitude=1, longitude=2).expand_dims(["latitude", "longitude"]))


def test_a_start_that_is_a_plain_variable():
    one = TRUTH.isel(init_time=0)
    _check(_with_valid_times(one).drop_vars("forecast_period").reset_coords("forecast_reference_time"), one)


def test_a_lagged_ensemble_is_refused_and_one_of_equal_starts_read():
    one = TRUTH.isel(init_time=0)
    bare = one.drop_vars("init_time").rename(member="sample")
    _check(bare.assign_coords(init_time=("sample", STARTS[[0, 0, 0]])), one)
    with pytest.raises(InvalidDataError, match=r"x: expected one start for all members, found .*lagged"):
        _read(bare.assign_coords(init_time=("sample", STARTS[0] - np.arange(3) * LEADS[0])))


def test_gencast():
    one = TRUTH.isel(init_time=0)
    theirs = one.rename(member="sample", lead_time="time", latitude="lat", longitude="lon").drop_vars("init_time")
    valid = (STARTS[:, None] + LEADS)[:1]
    _check(theirs.expand_dims("batch").assign_coords(datetime=(("batch", "time"), valid)), one)
    two = TRUTH.rename(member="sample", lead_time="time", init_time="batch").drop_vars("batch")
    _check(two.assign_coords(datetime=(("batch", "time"), STARTS[:, None] + LEADS)))


@pytest.mark.parametrize(
    ("values", "units"),
    [([50000.0], "Pa"), ([500.0], "hPa"), ([500.0], "mbar"), ([50000.0], ""), ([500], "millibars"), ([50.0], "kPa")],
)
def test_units_of_levels(values, units):
    fields = TRUTH.rename(t2m="t").expand_dims(plev=values).assign_coords(plev=("plev", values, {"units": units}))
    found = canonicalise(fields, where="x", forecast=True)
    assert list(found) == ["t500"]
    np.testing.assert_array_equal(found["t500"], TRUTH["t2m"])


def _rotated(dataset: xr.Dataset) -> xr.Dataset:
    places = np.zeros((3, 4))
    return dataset.rename(latitude="rlat", longitude="rlon").assign_coords(
        lat=(("rlat", "rlon"), places), lon=(("rlat", "rlon"), places)
    )


REFUSED = {
    "curvilinear or rotated grid": _rotated(TRUTH),
    "reduced or unstructured grid": TRUTH.stack(values=("latitude", "longitude"), create_index=False),
    "found a rotated_latitude_longitude grid": TRUTH.assign(
        rotated_pole=((), 0, {"grid_mapping_name": "rotated_latitude_longitude"}),
        t2m=TRUTH["t2m"].assign_attrs(grid_mapping="rotated_pole"),
    ),
    "expected one dimension of member, found number and member": TRUTH.expand_dims(number=2),
    "expected each member once, found 1 twice": TRUTH.assign_coords(member=[0, 1, 1]),
    "expected each member once, found a twice": TRUTH.assign_coords(member=["b", "a", "a"]),
    "expected a latitude dimension with values": TRUTH.drop_vars("latitude"),
    "converted to degrees": TRUTH.assign_coords(latitude=("latitude", LATITUDE, {"units": "km"})),
    "expected finite values": TRUTH.assign_coords(latitude=[0.0, np.nan, 1.0]),
    "expected units that can be converted to K, found 'none'": TRUTH.assign(t2m=TRUTH["t2m"].drop_attrs()),
    "'longitude'); choose one along region": TRUTH.expand_dims(region=2),
    "found t on no pressure levels": TRUTH.rename(t2m="t").expand_dims(hybrid=[1.0, 2.0]),
    "expected one field of t2m, found t2m and tas": TRUTH.assign(tas=TRUTH["t2m"] + 1),
}


@pytest.mark.parametrize("words", REFUSED)
def test_what_cannot_be_placed_is_refused_in_one_line(words):
    with pytest.raises(InvalidDataError) as caught:
        _read(REFUSED[words])
    assert str(caught.value).startswith("x: ")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_places_in_radians_are_degrees():
    places = {name: (name, np.deg2rad(TRUTH[name].values), {"units": "radians"}) for name in ("latitude", "longitude")}
    found = _read(TRUTH.assign_coords(places))
    np.testing.assert_allclose(found["latitude"], LATITUDE, atol=1e-12)
    np.testing.assert_allclose(found["longitude"], LONGITUDE, atol=1e-12)


@pytest.mark.parametrize(
    ("name", "units"),
    [("longitude", "degrees_west"), ("longitude", "degree_W"), ("latitude", "degrees_south"), ("latitude", "degreesS")],
)
def test_places_counted_the_other_way_are_turned(name, units):
    _check(TRUTH.assign_coords({name: (name, -TRUTH[name].values, {"units": units})}))


def test_masks_and_other_fields_beside_a_forecast_are_left_out():
    beside = TRUTH.assign(lsm=(("latitude", "longitude"), np.zeros((3, 4)), {"units": "1"}))
    assert list(canonicalise(beside, where="x", forecast=True)) == ["t2m"]


def test_an_analysis_has_one_member():
    analysis = TRUTH.isel(init_time=0, lead_time=0, drop=True).expand_dims(time=STARTS[:1])
    with pytest.raises(InvalidDataError, match="x: expected one analysis, found 3 members"):
        as_analysis(analysis, "x")
    assert as_analysis(analysis.isel(member=[1]), "x")["t2m"].dims == ("time", "latitude", "longitude")


def test_reading_twice_changes_nothing():
    analysis = TRUTH.isel(member=0, lead_time=0, drop=True).rename(init_time="time")
    once = as_analysis(analysis.rename(latitude="lat"), "x")
    xr.testing.assert_identical(as_analysis(once, "x"), once)
    forecast = as_forecast(TRUTH.rename(member="number"), "x")
    xr.testing.assert_identical(as_forecast(forecast, "x"), forecast)


def test_known_fields_are_preferred_to_others():
    assert field_names(TRUTH.assign(quality=((), 1.0))) == ["t2m"]
    assert field_names(TRUTH.rename(t2m="nonsense")) == ["nonsense"]


NAMES = st.fixed_dictionaries({dim: st.sampled_from(SPELLINGS[dim]) for dim in DIMS})
PICKS = st.fixed_dictionaries({dim: st.sampled_from(["all", "one", "scalar"]) for dim in DIMS[:3]})


@settings(max_examples=60, deadline=None)
@given(
    names=NAMES,
    picks=PICKS,
    order=st.permutations(DIMS),
    south_first=st.booleans(),
    valid=st.sampled_from([None, "valid_time", "datetime"]),
    hours=st.sampled_from(["timedelta", "hours", "h", "days"]),
    beside=st.sets(st.sampled_from(["surface", "height", "expver", "history"])),
)
def test_any_spelling_and_shape_of_an_ensemble_is_read_rightly(names, picks, order, south_first, valid, hours, beside):
    expected = TRUTH.isel({dim: [1] for dim, pick in picks.items() if pick != "all"})
    theirs = expected.transpose(*order).isel(latitude=slice(None, None, 1 if south_first else -1))
    if valid is not None:
        theirs[valid] = theirs["init_time"] + theirs["lead_time"]
        theirs = theirs.set_coords(valid)
    theirs = theirs.isel({dim: 0 for dim, pick in picks.items() if pick == "scalar"})
    if hours != "timedelta":
        counts = theirs["lead_time"].values / np.timedelta64(1, "D" if hours == "days" else "h")
        theirs = theirs.assign_coords(lead_time=(theirs["lead_time"].dims, counts, {"units": hours}))
    theirs = theirs.assign_coords(dict.fromkeys(beside, 0.0))
    # A single letter names a dimension, not a scalar.
    renamed = {ours: name for ours, name in names.items() if len(name) > 1 or ours in theirs.dims}
    _check(theirs.rename(renamed), expected)


def _coordinate(draw, name, sizes):
    dims = (name,) if name in sizes else tuple(draw(st.lists(st.sampled_from(sorted(sizes)), max_size=2, unique=True)))
    shape = tuple(sizes[dim] for dim in dims)
    count = int(np.prod(shape))
    numbers = [np.arange(count), np.zeros(count), np.arange(count) * 10.0 - 20, np.full(count, np.nan)]
    kind = draw(st.sampled_from(["instant", "duration", "number", "text"]))
    values = {
        "instant": STARTS[0] + np.arange(count) * LEADS[0],
        "duration": np.arange(count) * LEADS[0],
        "number": draw(st.sampled_from(numbers)),
        "text": np.array([f"p{n}" for n in range(count)]),
    }[kind]
    words = ["time", "forecast_reference_time", "forecast_period", "realization", "latitude", "air_pressure", *[""] * 9]
    attributes = {
        "standard_name": draw(st.sampled_from(words)),
        "units": draw(st.sampled_from(["", "hours", "hPa", "degrees_north", "hours since 2008-01-01", "1"])),
    }
    if kind != "number":
        del attributes["units"]
    return dims, values.reshape(shape), {key: value for key, value in attributes.items() if value}


@st.composite
def _layouts(draw):
    """Known names on random dimensions, with random values and attributes, mostly on a grid that can be read."""
    known = st.sampled_from([name for names in SPELLINGS.values() for name in names] + ["values", "x", "y", "batch"])
    grid = [draw(st.sampled_from(SPELLINGS[name])) for name in ("latitude", "longitude")] if draw(st.booleans()) else []
    others = draw(st.lists(known, max_size=4, unique=True))
    sizes = {dim: draw(st.integers(1, 3)) for dim in dict.fromkeys([*others, *grid, "values"])}
    names = draw(st.lists(known, max_size=5, unique=True))
    coordinates = {name: _coordinate(draw, name, sizes) for name in names if name not in grid}
    coordinates |= {name: ((name,), 10.0 * np.arange(sizes[name]), {}) for name in grid}
    dims = draw(st.permutations([dim for dim in sizes if dim != "values" or draw(st.integers(0, 4)) == 0]))
    shape = [sizes[dim] for dim in dims]
    field = (dims, 280 + np.arange(np.prod(shape)).reshape(shape) / 8.0, {"units": "K"})
    return xr.Dataset({draw(st.sampled_from(["t2m", "t2m", "t", "2t", "nonsense"])): field}, coordinates)


@settings(max_examples=150, deadline=None)
@given(layout=_layouts(), forecast=st.booleans())
def test_no_layout_is_more_than_refused(layout, forecast):
    said = "x"
    try:
        canonicalise(layout, where="x", forecast=forecast)
    except InvalidDataError as error:
        said = str(error)
    assert said.startswith("x")
    assert "\n" not in said
