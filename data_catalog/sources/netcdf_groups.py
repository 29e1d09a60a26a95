"""Finds the group of a NetCDF file that holds its fields, and the coordinates that it has from the groups around it.

Source: CF 1.11, section 2.7.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

import xarray as xr

from data_catalog.errors import DefiniteFaultError
from data_catalog.layout.axis_names import role_of
from data_catalog.layout.variables import is_field_name

_FIELD_DIMS = 2


class Group(Protocol):
    """A group as the netCDF4 and h5netcdf libraries open it."""

    @property
    def groups(self) -> Mapping[str, Any]:
        """Groups within it."""

    @property
    def dimensions(self) -> Mapping[str, Any]:
        """The dimensions that it defines itself."""


def fields_of(root: Group, where: str, opened: Callable[[str], xr.Dataset]) -> xr.Dataset:
    """Open the one group of a file that holds fields, with the coordinates that they have from the groups around it.

    Args:
        root: Root group of the open file.
        where: File or URL; errors start with it.
        opened: Opens and decodes a group by its path, the root group by ''.

    Raises:
        DefiniteFaultError: The root group holds no field and several groups do, or there is no variable at all.
    """
    whole = opened("")
    if _holds_fields(whole):
        return whole
    groups = {path: opened(path) for path in _below(root)}
    found = [path for path, dataset in groups.items() if _holds_fields(dataset)]
    if len(found) == 1:
        return _with_coordinates_around(groups[found[0]], root, found[0], opened)
    if found:
        raise DefiniteFaultError(f"{where}: expected fields in one group, found them in {', '.join(found)}")
    if not whole.variables:
        names = ", ".join(groups) or "none"
        raise DefiniteFaultError(f"{where}: expected variables in the root group, found none (other groups: {names})")
    return whole


def _with_coordinates_around(
    dataset: xr.Dataset, root: Group, path: str, opened: Callable[[str], xr.Dataset]
) -> xr.Dataset:
    """Add the variables of the groups around, the nearest first.

    A dimension that a group defines itself is another one than that of the same name around it.
    """
    names = path.split("/")
    own = set(_group_at(root, names).dimensions)
    for depth in range(len(names) - 1, -1, -1):
        around = opened("/".join(names[:depth])).variables
        added = [name for name in around if name not in dataset.variables and own.isdisjoint(around[name].dims)]
        dataset = dataset.assign_coords({name: around[name] for name in added})
        own |= set(_group_at(root, names[:depth]).dimensions)
    return dataset


def _holds_fields(dataset: xr.Dataset) -> bool:
    """Whether there is a variable of rows and columns that is neither the bounds of another one nor an axis."""
    bounds = {variable.attrs.get(kind) for variable in dataset.variables.values() for kind in ("bounds", "climatology")}
    return any(
        field.ndim >= _FIELD_DIMS
        and name not in bounds
        and (is_field_name(str(name)) or role_of(str(name), field.variable, is_dim=False) is None)
        for name, field in dataset.data_vars.items()
    )


def _group_at(root: Group, names: list[str]) -> Group:
    group = root
    for name in names:
        group = group.groups[name]
    return group


def _below(group: Group, path: str = "") -> Iterator[str]:
    """Paths of the groups within a group."""
    for name, inner in group.groups.items():
        yield f"{path}{name}"
        yield from _below(inner, f"{path}{name}/")
