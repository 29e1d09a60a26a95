"""Variables of a dataset file are complete and consistent, or refused."""

import pytest
from pydantic import ValidationError

from data_catalog.datasets.declared_variables import DeclaredVariable, check_variable_name
from data_catalog.layout.quantities import Variable


def test_only_the_unit_is_needed() -> None:
    found = DeclaredVariable(units="K").variable("theta")
    assert found == Variable("theta", "theta", "", "K", found.plausible)
    assert found.plausible[1] > 1e18


def test_every_key_arrives() -> None:
    declared = DeclaredVariable(
        units="kg m-2",
        long_name="snowfall",
        standard_name="snowfall_amount",
        source_names=("sf", "snowfall"),
        bounds=(-0.1, 500.0),
        minimum=0.0,
        accumulation_hours=6,
        missing_allowed=True,
        vector_component=True,
    )
    assert declared.variable("sf6") == Variable(
        "sf6",
        "snowfall",
        "snowfall_amount",
        "kg m-2",
        (-0.1, 500.0),
        ("sf", "snowfall"),
        "time: sum",
        minimum=0.0,
        polar_sign=-1,
        accumulation_hours=6,
        missing_allowed=True,
    )


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"units": "thing"}, "expected a unit that UDUNITS knows"),
        ({"units": "K", "bounds": (2.0, 1.0)}, "expected the lowest before the highest"),
        ({"units": "K", "accumulation_hours": 6, "cell_methods": "time: mean"}, "expected 'time: sum'"),
        ({"units": "K", "static": True, "on_levels": True}, "expected a variable without levels"),
        ({"units": "K", "accumulation_hours": "6"}, "valid integer"),
        ({"units": "K", "on_levels": "yes"}, "valid boolean"),
        ({"units": "K", "colour": "red"}, "colour"),
    ],
)
def test_what_cannot_be_is_refused(keys: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        DeclaredVariable.model_validate(keys)


@pytest.mark.parametrize(
    ("name", "keys"), [("pv3", {"on_levels": True}), ("step", {}), ("pv", {"source_names": ["latitude"]})]
)
def test_names_that_mean_something_else_are_refused(name: str, keys: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="expected a name that"):
        check_variable_name(name, DeclaredVariable.model_validate({"units": "1"} | keys))
