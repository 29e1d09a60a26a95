"""Variables that a dataset file declares beyond the built-in table."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, StrictBool, StrictInt, model_validator

from data_catalog.layout.axis_names import SPELLINGS
from data_catalog.layout.quantities import Variable
from data_catalog.layout.units import is_unit

_FINITE = (-9e18, 9e18)
"""Bounds of a variable that declares none: every weather value, and no usual fill value."""
_AXES = frozenset(spelling.lower() for spellings in SPELLINGS.values() for spelling in spellings)

VariableName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*$")]
"""Short name of a declared variable: lower-case letters and digits."""


class DeclaredVariable(BaseModel):
    """A quantity that the built-in table lacks."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    units: str
    """Unit of the archive and of every product, as UDUNITS spells it; values in other units are converted to it."""
    long_name: str | None = None
    """Words for titles and axes; None for the short name."""
    standard_name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")] | None = None
    """CF standard name; None if CF has none."""
    source_names: tuple[str, ...] = ()
    """What sources call it besides its short name."""
    on_levels: StrictBool = False
    """Whether its channels have a pressure in hPa after the name, such as `pv500`."""
    bounds: tuple[FiniteFloat, FiniteFloat] | None = None
    """Lowest and highest believable value; others are refused. None for any finite value."""
    minimum: FiniteFloat | None = None
    """Physical lower bound: forecasts below it are set to it."""
    accumulation_hours: Annotated[StrictInt, Field(gt=0)] | None = None
    """Hours before the valid time over which it is summed; None for no sum."""
    cell_methods: Annotated[str, Field(pattern=r"^time: (point|sum|mean|maximum|minimum)$")] | None = None
    """How values stand for their times, in CF's words; None for `time: sum` of an accumulation, else `time: point`."""
    vector_component: StrictBool = False
    """Whether it is an eastward or northward component, which changes sign across a pole."""
    static: StrictBool = False
    """Whether it never changes."""
    missing_allowed: StrictBool = False
    """Whether values may be missing where the quantity does not exist, as sea temperature on land."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if not is_unit(self.units):
            raise ValueError(f"units: expected a unit that UDUNITS knows, such as 'm s-1', found '{self.units}'")
        if self.bounds is not None and self.bounds[0] >= self.bounds[1]:
            raise ValueError(f"bounds: expected the lowest before the highest value, found {list(self.bounds)}")
        if self.accumulation_hours is not None and self.cell_methods not in (None, "time: sum"):
            raise ValueError(f"cell_methods: expected 'time: sum' of an accumulation, found '{self.cell_methods}'")
        if self.static and (self.on_levels or self.accumulation_hours is not None):
            raise ValueError("static: expected a variable without levels and accumulation")
        return self

    def variable(self, name: str) -> Variable:
        """Return the variable as the rest of Plumecast knows it.

        Args:
            name: Its short name, the key of its table in the dataset file.
        """
        usual = "time: point" if self.accumulation_hours is None else "time: sum"
        return Variable(
            short_name=name,
            long_name=self.long_name or name,
            standard_name=self.standard_name or "",
            units=self.units,
            plausible=self.bounds or _FINITE,
            source_names=tuple(dict.fromkeys(one for one in self.source_names if one != name)),
            cell_methods=self.cell_methods or usual,
            on_levels=self.on_levels,
            minimum=self.minimum,
            polar_sign=-1 if self.vector_component else 1,
            accumulation_hours=self.accumulation_hours,
            static=self.static,
            missing_allowed=self.missing_allowed,
        )


def check_variable_name(name: str, variable: DeclaredVariable) -> None:
    """Check that a name can be told from levels and from the axes of a dataset.

    Args:
        name: Short name of a declared variable.
        variable: What is declared under it.

    Raises:
        ValueError: It cannot.
    """
    if variable.on_levels and name[-1].isdigit():
        raise ValueError(f"{name}: expected a name that ends in a letter, as its level comes after it")
    taken = next((one for one in (name, *variable.source_names) if one.lower() in _AXES), None)
    if taken is not None:
        raise ValueError(f"{name}: expected a name that no axis has, found '{taken}'")
