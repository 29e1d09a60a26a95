import numpy as np
import pytest
import xarray as xr

from data_catalog.layout.axis_names import SPELLINGS, coordinate_roles, dimension_roles, kind_of, role_of

DAY = np.array(["2008-01-03"], "M8[ns]")
HOURS = np.array([6], "m8[h]").astype("m8[ns]")


def _along(values: object, **attributes: str) -> xr.Variable:
    return xr.Variable("x", np.atleast_1d(values), attributes)


@pytest.mark.parametrize(
    ("variable", "kind"),
    [
        (_along(DAY), "instant"),
        (_along(HOURS), "duration"),
        (_along(3.0, units="hours since 2008-01-01"), "instant"),
        (_along(3, units="h"), "duration"),
        (_along(3, units="days"), "duration"),
        (_along(500.0, units="hPa"), "number"),
        (_along(3), "number"),
        (_along("p01"), "text"),
        (None, "absent"),
    ],
)
def test_kinds_of_values(variable, kind):
    assert kind_of(variable) == kind


@pytest.mark.parametrize("role", sorted(SPELLINGS))
def test_every_spelling_names_its_axis(role):
    values = {"time": DAY, "init_time": DAY, "lead_time": HOURS}.get(role, np.array([1.0]))
    for name in SPELLINGS[role]:
        assert role_of(name, xr.Variable(name, values), is_dim=True) == role
        if len(name) > 1:
            assert role_of(name.upper(), xr.Variable((), values[0]), is_dim=False) == role


@pytest.mark.parametrize(
    ("name", "variable", "role"),
    [
        ("time", _along(DAY, standard_name="forecast_reference_time"), "init_time"),
        ("init_time", _along(DAY, standard_name="time"), "init_time"),
        ("time", _along(HOURS), "lead_time"),
        ("lead_time", _along(DAY), "time"),
        ("nonsense", _along(DAY), "time"),
        ("nonsense", _along(1.0, units="degrees_north"), "latitude"),
        ("nonsense", _along(1.0, units="degree_east"), "longitude"),
        ("nonsense", _along(1.0, standard_name="realization"), "member"),
        ("nonsense", _along(1.0, _CoordinateAxisType="Ensemble"), "member"),
        ("nonsense", _along(500.0, units="mbar", axis="Z"), "level"),
        ("nonsense", _along(500.0), None),
        ("lev", _along(1.0, standard_name="atmosphere_hybrid_sigma_pressure_coordinate"), None),
        ("level", _along(2.0, units="m"), None),
        ("lat", _along(1.0, standard_name="grid_latitude"), "latitude"),
        ("latitude", _along("north"), None),
    ],
)
def test_what_else_names_an_axis(name, variable, role):
    assert role_of(name, variable, is_dim=True) == role


def test_letters_and_kinds_of_values_count_for_dimensions_alone():
    assert role_of("T", xr.Variable((), DAY[0]), is_dim=False) is None
    assert role_of("created", xr.Variable((), DAY[0]), is_dim=False) is None


def test_fields_and_bounds_are_no_coordinates():
    dataset = xr.Dataset(
        {"T": (("time", "lat"), np.zeros((1, 1))), "time_bnds": (("time", "bnds"), np.array([[DAY[0], DAY[0]]]))},
        {"time": ("time", DAY, {"bounds": "time_bnds"}), "lat": [0.0]},
    )
    assert coordinate_roles(dataset) == {"time": "time", "lat": "latitude"}


def test_dimensions_come_before_scalars_and_those_before_others():
    dataset = xr.Dataset(
        coords={
            "ref_time": ("member", DAY),
            "forecast_reference_time": DAY[0],
            "init": ("init", DAY),
            "member": [0],
        }
    )
    starts = [name for name, role in coordinate_roles(dataset).items() if role == "init_time"]
    assert starts == ["init", "forecast_reference_time", "ref_time"]


def test_a_dimension_takes_the_axis_of_what_lies_along_it():
    dataset = xr.Dataset(
        coords={"latitude": ("y", [0.0]), "longitude": ("x", [0.0]), "init_time": ("run", DAY), "label": ("run", ["a"])}
    )
    assert dimension_roles(dataset, ("y", "x", "run")) == {"y": "latitude", "x": "longitude"}
