"""Datasets by name: where each comes from, what it holds, and under which licence.

Each dataset is a TOML file. The shipped ones lie in `data_catalog/datasets`; a user's lie in directories that the
caller names, and none of them may have the name of a shipped one.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache
from importlib import resources
from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated, Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    FiniteFloat,
    StrictBool,
    StrictInt,
    ValidationError,
    field_validator,
    model_validator,
)

from data_catalog.datasets.declared_variables import DeclaredVariable, VariableName, check_variable_name
from data_catalog.errors import ConfigurationError
from data_catalog.layout.times import FIRST_YEAR, LAST_YEAR
from data_catalog.layout.variables import channel, check_declarable, declare
from data_catalog.statistics.axis_weights import Method
from data_catalog.storage.typed_files import faults_of_validation, read_toml
from data_catalog.suggestions import did_you_mean

NAME_PATTERN = r"^[a-z0-9]+(-[a-z0-9]+)*$"
SOURCE_GROUP = "plumecast.sources"
"""Entry points of this group are sources of other packages, by name."""
_SIMULATED, _BUNDLED = "speedy", "bundled"
_REMOTE_SOURCES = ("weatherbench2", "arco-era5", "ecmwf-open-data", "gfs", "gefs", "ncep-r1", "cds", _SIMULATED)
_OWN_SOURCES = ("files", *_REMOTE_SOURCES)
_SAME_DEGREES = 1e-6
_MEANING = frozenset({"name", "source", "channels", "static", "grid", "step_hours", "simulated", "variables"})


def _no_number(value: object) -> object:
    if isinstance(value, int | float):
        raise ValueError("expected a day such as 2001-01-01")
    return value


def _countable(day: date) -> date:
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise ValueError(f"expected a day in {FIRST_YEAR} to {LAST_YEAR}, found {day}")
    return day


Day = Annotated[date, BeforeValidator(_no_number), AfterValidator(_countable)]
Ends = tuple[FiniteFloat, FiniteFloat, Annotated[StrictInt, Field(gt=0)]]


class GridAxes(BaseModel):
    """The points of a grid in rows and columns, in degrees, ascending: of each axis its ends, or every value."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    latitude: Ends | None = None
    """First latitude, last latitude and number of rows, evenly spaced."""
    longitude: Ends | None = None
    """First longitude, last longitude and number of columns, evenly spaced."""
    latitude_values: tuple[FiniteFloat, ...] | None = None
    """Latitude of each row, where they are not evenly spaced, as on a Gaussian grid."""
    longitude_values: tuple[FiniteFloat, ...] | None = None

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        for name, ends, values in self._axes():
            if (ends is None) == (values is None):
                raise ValueError(f"expected one of '{name}' and '{name}_values'")
            points = _points(ends, values)
            if not (np.diff(points) > 0).all():
                raise ValueError(f"{name}: expected ascending values")
        if np.abs(self.coordinates()[0]).max() > 90:
            raise ValueError("latitude: expected values in -90..90")
        return self

    @classmethod
    def of(cls, latitude: NDArray[np.floating], longitude: NDArray[np.floating]) -> Self:
        """Return the grid of some coordinates.

        Args:
            latitude: Degrees, ascending.
            longitude: Degrees, ascending.
        """
        found: dict[str, Any] = {}
        for name, values in (("latitude", latitude), ("longitude", longitude)):
            points = [round(float(value), 6) for value in values]
            even = np.linspace(points[0], points[-1], len(points))
            if np.abs(even - values).max() < _SAME_DEGREES:
                found[name] = (points[0], points[-1], len(points))
            else:
                found[f"{name}_values"] = points
        return cls(**found)

    def coordinates(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return latitudes and longitudes in degrees."""
        rows, columns = (_points(ends, values) for _, ends, values in self._axes())
        return rows, columns

    def _axes(self) -> tuple[tuple[str, Ends | None, tuple[float, ...] | None], ...]:
        return (
            ("latitude", self.latitude, self.latitude_values),
            ("longitude", self.longitude, self.longitude_values),
        )


def _points(ends: Ends | None, values: tuple[float, ...] | None) -> NDArray[np.float64]:
    return np.linspace(*ends) if ends is not None else np.array(values, np.float64)


class DatasetEntry(BaseModel):
    """One dataset of the catalogue: the content of its file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=NAME_PATTERN)
    title: str
    source: str
    """Kind of source; each has one adapter in `data_catalog.sources` or in another package."""
    location: str | None = None
    """Path or URL; None if the user must give one, or if the data is bundled."""
    chunks_below: tuple[str, ...] = ()
    """Folders and URLs that the chunks of kerchunk references may lie below, besides the references' own place."""
    channels: tuple[str, ...] = Field(min_length=1)
    static: tuple[str, ...] = ()
    grid: GridAxes | None = None
    """Grid of the dataset, if all sources of it share one."""
    regrid: Method | None = None
    """How a source on another grid is brought to that of the dataset; None refuses it."""
    members: Annotated[StrictInt, Field(ge=2)] | None = None
    """Number of members, if each analysis is an ensemble; every time has all of them."""
    step_hours: StrictInt = Field(gt=0)
    """Hours between times. The archive keeps the times of a finer source, unless the source is remote."""
    period_start: Day
    period_end: Day | None = None
    """Last day; None if days are still being added."""
    licence: str
    simulated: StrictBool = False
    """Whether this is simulated rather than real weather; every product made from it must say so."""
    description: str
    references: tuple[str, ...] = ()
    variables: Mapping[VariableName, DeclaredVariable] = Field(default_factory=dict)
    """Variables beyond the built-in table, by short name."""

    @field_validator("variables")
    @classmethod
    def _checked_names(cls, variables: Mapping[str, DeclaredVariable]) -> Mapping[str, DeclaredVariable]:
        for name, variable in variables.items():
            check_variable_name(name, variable)
        return variables

    @model_validator(mode="after")
    def _known_channels(self) -> Self:
        declared = [variable.variable(name) for name, variable in self.variables.items()]
        for variable in declared:
            check_declarable(variable)
        declare(self.name, declared)
        for key, names, static in (("channels", self.channels, False), ("static", self.static, True)):
            for name in names:
                if channel(name).variable.static != static:
                    kind = "that never change" if static else "with times"
                    raise ValueError(f"{key}: expected channels {kind}, found '{name}'")
        if len({*self.channels, *self.static}) < len(self.channels) + len(self.static):
            raise ValueError("channels: expected each channel once")
        if self.regrid is not None and self.members is not None:
            raise ValueError(
                "regrid: expected single analyses, found ensembles; bring each to the grid of the dataset first"
            )
        if self.regrid is not None and self.grid is None:
            raise ValueError(f"regrid: expected a [grid] to regrid to, found none beside '{self.regrid}'")
        if self.period_end is not None and self.period_end < self.period_start:
            raise ValueError(f"period_end: expected a day from {self.period_start} on, found {self.period_end}")
        return self

    @property
    def has_source(self) -> bool:
        """Whether the data can be read without a location given by the user."""
        return self.source in (_BUNDLED, _SIMULATED) or self.location is not None

    @property
    def is_remote(self) -> bool:
        """Whether the data is fetched over a network, or simulated, so that nothing should be asked for twice."""
        by_url = self.location is not None and "://" in self.location and not self.location.startswith("file:")
        return self.source in _REMOTE_SOURCES or by_url

    @property
    def is_shipped(self) -> bool:
        """Whether Plumecast ships this dataset."""
        return self.name in _shipped()

    def content_hash(self) -> str:
        """Return the SHA-256 of what the dataset is, not of where a copy lies, of its words or of its last day.

        Returns:
            64 hexadecimal digits.
        """
        meaning = _MEANING if self.regrid is None else _MEANING | {"regrid"}
        content = self.model_dump(mode="json", include=set(meaning))
        if self.members is not None:
            content["members"] = self.members
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def dataset(name: str, directories: Sequence[Path] = ()) -> DatasetEntry:
    """Return the catalogue entry of a dataset.

    Args:
        name: Name of the dataset, such as `era5-5p6`.
        directories: Directories with a user's dataset files, first the one whose files count before the others'.

    Raises:
        ConfigurationError: There is no such dataset, or its file is wrong.
    """
    for directory in directories:
        files = _files_by_name(directory).get(name, [])
        if len(files) > 1:
            raise ConfigurationError(f"dataset {name}: expected one file, found {files[0]} and {files[1]}")
        if files:
            return read_dataset(files[0])
    if name in _shipped():
        return _shipped()[name]
    known = dataset_names(directories)
    raise ConfigurationError(f"dataset: expected one of {', '.join(known)}, found {name!r}{did_you_mean(name, known)}")


def dataset_names(directories: Sequence[Path] = ()) -> tuple[str, ...]:
    """Return the names of all known datasets: first the shipped ones, then a user's.

    Args:
        directories: Directories with a user's dataset files.
    """
    own = sorted({name for directory in directories for name in _files_by_name(directory)} - set(_shipped()))
    return (*_shipped(), *own)


def read_dataset(path: Path) -> DatasetEntry:
    """Read a user's dataset file; a path in it that is not absolute starts from the file's directory.

    Args:
        path: A TOML file.

    Raises:
        ConfigurationError: The file is absent or not TOML, keys or values are wrong, or the name is that of a shipped
            dataset; names file and key.
    """
    origin = f"dataset file {path}"
    entry = parse_dataset(read_toml(path, origin=origin), origin=origin)

    def placed(place: str) -> str:
        return place if "://" in place else str(path.absolute().parent / Path(place).expanduser())

    location = None if entry.location is None else placed(entry.location)
    return entry.model_copy(
        update={"location": location, "chunks_below": tuple(placed(place) for place in entry.chunks_below)}
    )


def parse_dataset(content: Mapping[str, Any], *, origin: str) -> DatasetEntry:
    """Check the content of a user's dataset file.

    Args:
        content: Tables, parsed from TOML.
        origin: Origin of the content, such as `dataset file x.toml`; errors start with it.

    Raises:
        ConfigurationError: Keys or values are wrong, or the name is that of a shipped dataset; names the key.
    """
    entry = _validated(content, origin)
    if entry.is_shipped:
        raise ConfigurationError(f"{origin}: name: expected one that no shipped dataset has, found '{entry.name}'")
    if entry.source not in (known := source_names()):
        raise ConfigurationError(f"{origin}: source: expected one of {', '.join(known)}, found '{entry.source}'")
    return entry


def source_names() -> tuple[str, ...]:
    """Return the kinds of source that a dataset file may name: built-in ones, then those of other packages."""
    others = sorted({point.name for point in entry_points(group=SOURCE_GROUP)} - {*_OWN_SOURCES, _BUNDLED})
    return (*_OWN_SOURCES, *others)


def _validated(content: Mapping[str, Any], origin: str) -> DatasetEntry:
    try:
        return DatasetEntry.model_validate(content)
    except ValidationError as error:
        raise ConfigurationError(
            f"{origin}: {'; '.join(faults_of_validation(error, whole='dataset', model=DatasetEntry))}"
        ) from None
    except ConfigurationError as error:
        raise ConfigurationError(f"{origin}: {error}") from None


@lru_cache(maxsize=1)
def _shipped() -> Mapping[str, DatasetEntry]:
    """The shipped datasets by name: those that need no network first, and small ones before large ones."""
    directory = Path(str(resources.files("data_catalog"))) / "datasets"
    files = [(path, f"dataset file {path}") for path in sorted(directory.glob("*.toml"))]
    entries = [_validated(read_toml(path, origin=origin), origin) for path, origin in files]

    def order(entry: DatasetEntry) -> tuple[bool, bool, int]:
        points = 0 if entry.grid is None else int(np.prod([axis.size for axis in entry.grid.coordinates()]))
        return entry.is_remote, entry.source != _BUNDLED, points

    return {entry.name: entry for entry in sorted(entries, key=order)}


def _files_by_name(directory: Path) -> dict[str, list[Path]]:
    """The dataset files of a directory by the name that they give; one that cannot be read by its own."""
    found: dict[str, list[Path]] = {}
    for path in sorted(directory.glob("*.toml")) if directory.is_dir() else ():
        try:
            content = read_toml(path, origin=str(path))
        except ConfigurationError:
            content = {}
        if "state" not in content and "dataset" not in content:  # else it is a system file
            found.setdefault(str(content.get("name", path.stem)), []).append(path)
    return found
