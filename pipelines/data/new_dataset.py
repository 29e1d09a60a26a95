"""Writes the dataset file of anyone's data."""

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from data_catalog.catalog import NAME_PATTERN, GridAxes, dataset_names, parse_dataset
from data_catalog.datasets.declared_variables import DeclaredVariable
from data_catalog.errors import ConfigurationError, without_secrets
from data_catalog.layout.checks import holes
from data_catalog.layout.times import day, iso
from data_catalog.layout.variables import channel, check_declarable, declare
from data_catalog.sources.inspection import Inspection, UnknownVariable, inspect_location, unknown_variables
from data_catalog.sources.locations import parse_location
from data_catalog.storage.atomic_files import write_durably
from data_catalog.storage.typed_files import faults_of_validation
from pipelines.workspace.home import Home

_LINE = 110


@dataclass(frozen=True)
class NewDataset:
    """A request for a dataset file.

    Attributes:
        location: Path or URL of the data.
        name: Name of the dataset.
        title: Title; None for that of the data, or else the name.
        licence: Licence; None for that of the data.
        simulated: Whether the data is simulated rather than real weather.
        channels: Channels to take; none for all that can be read.
        declared: Fields to declare as new variables, as the data spells them.
    """

    location: str
    name: str
    title: str | None = None
    licence: str | None = None
    simulated: bool = False
    channels: tuple[str, ...] = ()
    declared: tuple[str, ...] = ()


def write_new_dataset(home: Home, wanted: NewDataset) -> tuple[Path, Inspection]:
    """Look at data and write its dataset file into the home directory.

    Args:
        home: The home directory.
        wanted: The request.

    Returns:
        The file, and what the data holds.

    Raises:
        ConfigurationError: The name is taken or is no name, or the location does not exist.
        InvalidDataError: Nothing in the data can be read; says why.
    """
    path = _free_path(home, wanted.name)
    place = parse_location(wanted.location)
    location = place if isinstance(place, str) else str(place.expanduser().absolute())
    variables = _declared(location, wanted.declared)
    for name, variable in variables.items():
        check_declarable(variable.variable(name))
    declare(wanted.name, [variable.variable(name) for name, variable in variables.items()])
    found = inspect_location(location, wanted.channels)
    text = dataset_text(wanted, location, found, variables)
    parse_dataset(tomllib.loads(text), origin=f"dataset file {path}")
    return write_durably(path, text), found


def _free_path(home: Home, name: str) -> Path:
    if re.fullmatch(NAME_PATTERN, name) is None:
        raise ConfigurationError(f"--name: expected lower-case letters, digits and single hyphens, found '{name}'")
    if name in dataset_names():
        raise ConfigurationError(f"--name: expected one that no shipped dataset has, found '{name}'")
    path = home.datasets / f"{name}.toml"
    if path.exists() or name in dataset_names([home.datasets]):
        raise ConfigurationError(
            f"dataset '{name}': expected no file of this name in {home.datasets}, found one; remove it, or choose "
            "another --name"
        )
    return path


def _declared(location: str, names: Sequence[str]) -> dict[str, DeclaredVariable]:
    """Variables for some fields of the data, by short name."""
    known = {one.name: one for one in unknown_variables(location)} if names else {}
    declared = {}
    for name in names:
        if name not in known:
            raise ConfigurationError(f"--declare: expected one of {', '.join(known) or 'none'}, found '{name}'")
        declared[known[name].short_name] = _as_declared(known[name])
    return declared


def _as_declared(field: UnknownVariable) -> DeclaredVariable:
    content = {
        "units": field.units or "1",
        "long_name": field.long_name or None,
        "standard_name": field.standard_name or None,
        "source_names": () if field.name == field.short_name else (field.name,),
        "on_levels": field.on_levels,
    }
    try:
        return DeclaredVariable.model_validate(content)
    except ValidationError as error:
        raise ConfigurationError(f"--declare {field.name}: {faults_of_validation(error)[0]}") from None


def dataset_text(
    wanted: NewDataset, location: str, found: Inspection, variables: Mapping[str, DeclaredVariable]
) -> str:
    """Return the text of a dataset file, with comments for whoever edits it.

    Args:
        wanted: The request.
        location: Absolute path or URL of the data.
        found: What the data holds.
        variables: Variables that the file declares, by short name.
    """
    title = wanted.title or found.attributes.get("title", "").strip() or wanted.name
    licences = (found.attributes.get(key, "").strip() for key in ("license", "licence", "rights"))
    licence = wanted.licence or next(filter(None, licences), "not stated: ask whoever made the data")
    last = day(found.times[-1])
    lines = [
        f"# Dataset {wanted.name}: {len(found.times)} times from {day(found.times[0])} to {last}, as they were found.",
        "# What is changed here changes the identity of every system that uses it, except title, location, period,",
        "# licence, description and references.",
        f"name = {_text(wanted.name)}",
        f"title = {_text(title)}",
        'source = "files"  # NetCDF, GRIB or Zarr: a file, a directory, a pattern of names, or a URL',
        f"location = {_text(location)}  # 'ingest {wanted.name}' reads from here; a relative path starts at this file",
        f"step_hours = {found.step_hours}  # hours between times; others are refused",
        f"period_start = {day(found.times[0])}  # earlier times are refused",
        f"# period_end = {last}  # later times are refused; leave it out while days are being added",
        f"licence = {_text(licence)}",
        f"simulated = {str(wanted.simulated).lower()}  # true for a model's own weather: every product then says so",
        f"description = {_text(f'{title}, from {Path(without_secrets(location)).name}.')}",
        '# references = ["doi:..."]',
        "",
        "# What is archived, under the names of the variable table: a variable, with its level in hPa if it has one.",
        _list("channels", found.channels),
        _list("static", found.static),
        "",
        "# First, last and number of rows and columns, degrees, ascending; data on other points is refused.",
        "[grid]",
        *_grid_lines(found.grid),
    ]
    for name, variable in variables.items():
        lines += ["", *_variable_lines(name, variable)]
    others = [one for one in found.unknown if one.name in found.left_out]
    if others:
        lines += [
            "",
            "# Fields that no variable is known for. To take one, remove the '# ' and add it to channels above.",
        ]
    for one in others:
        lines += ["", *(f"# {line}" for line in _stub_lines(one))]
    return "\n".join(lines) + "\n"


def _text(value: str) -> str:
    """A TOML string, on one line."""
    return json.dumps(" ".join(value.split()), ensure_ascii=False)


def _list(key: str, values: Sequence[str]) -> str:
    """A TOML array, over several lines where it is long."""
    line = f"{key} = [{', '.join(map(_text, values))}]"
    if len(line) <= _LINE:
        return line
    return f"{key} = [\n" + "".join(f"    {_text(value)},\n" for value in values) + "]"


def _grid_lines(grid: GridAxes) -> list[str]:
    found = grid.model_dump(exclude_none=True)
    return [f"{key} = [{', '.join(f'{value!r}' for value in values)}]" for key, values in found.items()]


def _variable_lines(name: str, variable: DeclaredVariable) -> list[str]:
    content = variable.model_dump(mode="json", exclude_defaults=True)
    lines = [f"[variables.{name}]"]
    for key, value in content.items():
        shown = str(value).lower() if isinstance(value, bool) else json.dumps(value, ensure_ascii=False)
        lines.append(f"{key} = {shown}")
    return [*lines, "# bounds = [0.0, 1.0]  # lowest and highest believable value; none: any"]


def _stub_lines(field: UnknownVariable) -> list[str]:
    keys = {"units": field.units, "long_name": field.long_name, "standard_name": field.standard_name}
    lines = [f"[variables.{field.short_name}]", *(f"{key} = {_text(text)}" for key, text in keys.items() if text)]
    lines += [f"source_names = [{_text(field.name)}]"] if field.name != field.short_name else []
    return [*lines, *(["on_levels = true"] if field.on_levels else [])]


def describe(path: Path, found: Inspection) -> str:
    """Describe what was found, what was left out, and why.

    Args:
        path: The dataset file.
        found: What the data holds.
    """
    rows, columns = found.grid.coordinates()
    gaps = holes(found.times).size
    lines = [
        f"Dataset file: {path}",
        f"times    {len(found.times)} from {iso(found.times[0])} to {iso(found.times[-1])}, every {found.step_hours} h"
        + (f", {gaps} missing between" if gaps else ""),
        f"grid     {rows.size} x {columns.size} points, latitude {rows[0]:g} to {rows[-1]:g}, longitude "
        f"{columns[0]:g} to {columns[-1]:g}",
    ]
    for name in (*found.channels, *found.static):
        low, high = found.ranges[name]
        of, spelled = channel(name), found.source_names[name]
        as_spelled = "" if spelled == name else f" (there: {spelled})"
        lines.append(f"{name:8} {of.long_name}{as_spelled}: {low:.6g} to {high:.6g} {of.variable.units}")
    lines += [f"left out {name}: {reason}" for name, reason in found.left_out.items()]
    declarable = [one.name for one in found.unknown if one.name in found.left_out]
    if declarable:
        lines.append(f"To take {declarable[0]}: --declare {declarable[0]}, or edit the file")
    return "\n".join(lines)
