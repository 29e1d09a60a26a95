"""Variables by name: the built-in table, and those that dataset files declare."""

import re
from collections.abc import Iterable
from types import MappingProxyType

from data_catalog.errors import ConfigurationError
from data_catalog.layout.quantities import Channel, Variable
from data_catalog.layout.variable_table import TABLE

_HIGHEST_PRESSURE_HPA = 1100
_known: dict[str, Variable] = {variable.short_name: variable for variable in TABLE}
_declared_by: dict[str, str] = {}
_spelled: set[str] = set()
_spelled_on_levels: set[str] = set()
VARIABLES = MappingProxyType(_known)
"""Every variable by its short name, those of the table first."""


def channel(name: str) -> Channel:
    """The channel of a name: `msl`, or a variable with its pressure in hPa, `z500`.

    Where another variable has the name, as the wind at 10 m has `u10`, the field on that level is `u10hPa`.

    Args:
        name: A variable without levels, or one with levels and its pressure in hPa after it.

    Raises:
        ConfigurationError: No such channel.
    """
    known = _known.get(name)
    if known is not None and not known.on_levels:
        return Channel(name, known)
    match = re.fullmatch(r"([a-z]+)([1-9]\d{0,3})(hPa)?", name)
    on_level = _known.get(match[1]) if match else None
    is_one = match is not None and (match[3] is None) == (f"{match[1]}{match[2]}" not in _known)
    if match is None or not is_one or on_level is None or not on_level.on_levels:
        raise _unknown(name)
    if int(match[2]) > _HIGHEST_PRESSURE_HPA:
        raise _unknown(name)
    return Channel(name, on_level, int(match[2]))


def level_channel(variable: Variable, level_hpa: int) -> Channel:
    """The channel of a variable on a level, under the one name that it has.

    Args:
        variable: A variable with levels.
        level_hpa: Pressure, hPa.
    """
    name = f"{variable.short_name}{level_hpa}"
    return Channel(f"{name}hPa" if name in _known else name, variable, level_hpa)


def is_field_name(name: str) -> bool:
    """Return whether a variable of a source is, by its name, a known quantity, on a level or not.

    Args:
        name: As the source spells it, such as `2t`, `geopotential` or `z_500`.
    """
    return name in _spelled or re.sub(r"_?\d+(h[Pp]a)?$", "", name) in _spelled_on_levels


def is_surface_name(name: str) -> bool:
    """Return whether a variable of a source is, by its name, a quantity without levels.

    Args:
        name: As the source spells it; `u10` is the wind at 10 m, although `u` has levels.
    """
    return name in _spelled and name not in _spelled_on_levels


def is_levelled_name(name: str) -> bool:
    """Return whether a variable of a source is, by its name, a quantity on pressure levels, such as `air`.

    Args:
        name: As the source spells it, without a level.
    """
    return name in _spelled_on_levels


def check_declarable(variable: Variable) -> None:
    """Check that a variable of a dataset file has no name or spelling that a variable of the table has.

    A variable without levels may be spelled like one with levels, as a field called `air` on no pressure level is not
    the temperature on one.

    Args:
        variable: The variable that is declared.

    Raises:
        ConfigurationError: The table has it already.
    """
    for name in variable.names:
        may_share = name != variable.short_name and not variable.on_levels
        taken = next((one.short_name for one in TABLE if name in one.names and not (may_share and _shares(one))), None)
        on_level = re.sub(r"_?\d+(h[Pp]a)?$", "", name)
        if taken is None and on_level != name:
            taken = next((one.short_name for one in TABLE if one.on_levels and on_level in one.names), None)
        if taken is not None:
            raise ConfigurationError(
                f"variables.{variable.short_name}: expected a name that the built-in table does not have, found "
                f"{name!r}, which is {taken} there"
            )


def _shares(variable: Variable) -> bool:
    """Whether more than its spelling tells a field of this variable: a level, or words."""
    return variable.on_levels or variable.described_as is not None


def declare(dataset_name: str, variables: Iterable[Variable]) -> None:
    """Make variables of a dataset known everywhere in this process, in place of those it declared before.

    Args:
        dataset_name: The dataset that declares them.
        variables: Variables that `check_declarable` accepts.

    Raises:
        ConfigurationError: Another dataset has declared one of them differently.
    """
    wanted = {variable.short_name: variable for variable in variables}
    for name, variable in wanted.items():
        owner = _declared_by.get(name, dataset_name)
        if owner != dataset_name and _known[name] != variable:
            raise ConfigurationError(
                f"variables.{name}: expected one definition, found another in dataset {owner} than in {dataset_name}; "
                "rename one of the two"
            )
    for name in [name for name, owner in _declared_by.items() if owner == dataset_name]:
        del _declared_by[name], _known[name]
    for name, variable in wanted.items():
        _declared_by.setdefault(name, dataset_name)
        _known[name] = variable
    _spell()


def _spell() -> None:
    """Keep the sets of spellings in step with the table."""
    _spelled.clear()
    _spelled_on_levels.clear()
    _spelled.update(name for variable in _known.values() for name in variable.names)
    _spelled_on_levels.update(name for one in _known.values() if one.on_levels for name in one.names)


def _unknown(name: str) -> ConfigurationError:
    surface = ", ".join(v.short_name for v in _known.values() if not v.on_levels)
    levelled = ", ".join(v.short_name for v in _known.values() if v.on_levels)
    return ConfigurationError(f"channel: expected {surface}, or {levelled} with a level in hPa (z500), found {name!r}")


_spell()
