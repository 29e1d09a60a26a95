"""Datasets by name: where each comes from, what it holds, and under which licence."""

from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from data_catalog.errors import ConfigurationError
from data_catalog.variables import channel

_TEN_CHANNELS = ("z500", "t850", "u850", "v850", "u250", "v250", "q850", "msl", "t2m", "tp24")


class DatasetEntry(BaseModel):
    """One dataset of the catalogue."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    title: str
    source: Literal["files", "weatherbench2", "bundled"]
    """Kind of place that it comes from, one adapter each in `data_catalog.sources`."""
    location: str | None = None
    """Path or URL; None where the user must give one, or where the data is shipped."""
    channels: tuple[str, ...] = Field(min_length=1)
    static: tuple[str, ...] = ()
    step_hours: int = Field(gt=0)
    """Hours between times. Sources may be finer; the archive keeps what they have, except of remote ones."""
    period_start: date
    period_end: date | None = None
    licence: str
    simulated: bool = False
    """Whether this is a model's weather and not the real one: then everything made from it must say so."""
    description: str
    references: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _known_channels(self) -> "DatasetEntry":
        for name in self.channels + self.static:
            channel(name)
        return self


_ENTRIES = (
    DatasetEntry(
        name="speedy-5p6",
        title="Simulated weather (SPEEDY) at 5.625 degrees",
        source="bundled",
        channels=_TEN_CHANNELS,
        static=("orography", "lsm"),
        step_hours=24,
        period_start=date(2001, 1, 1),
        period_end=date(2008, 12, 31),
        licence="Apache-2.0",
        simulated=True,
        description=(
            "A nature run of the general circulation model SPEEDY (jcm 3.0.0, T31, 8 levels) with a climatological sea "
            "surface, regridded to 32x64. Simulated, not observed: more predictable than the atmosphere. The package "
            "ships the 00 UTC fields of 2008; longer years are read with --source FILE_OR_DIRECTORY."
        ),
        references=("https://pypi.org/project/jcm/", "doi:10.1007/s00382-002-0268-2"),
    ),
    DatasetEntry(
        name="ncep-natlantic",
        title="North Atlantic sea-level pressure (NCEP/NCAR Reanalysis 1)",
        source="files",
        channels=("msl",),
        step_hours=24,
        period_start=date(2001, 1, 1),
        period_end=date(2010, 12, 31),
        licence="public domain (NOAA); the converted file LGPL-3.0",
        description=(
            "Daily-mean sea-level pressure of the NCEP/NCAR Reanalysis 1 on its 2.5 degree grid, 30-70N 70W-10E. Give "
            "the NetCDF file, or a directory of yearly files, with --source."
        ),
        references=("doi:10.1175/1520-0477(1996)077<0437:TNYRP>2.0.CO;2", "https://psl.noaa.gov/data/gridded/"),
    ),
    DatasetEntry(
        name="era5-5p6",
        title="ERA5 at 5.625 degrees (WeatherBench2)",
        source="weatherbench2",
        location="gs://weatherbench2/datasets/era5/1959-2023_01_10-6h-64x32_equiangular_conservative.zarr",
        channels=_TEN_CHANNELS,
        static=("orography", "lsm"),
        step_hours=24,
        period_start=date(1979, 1, 1),
        period_end=date(2023, 1, 10),
        licence="Copernicus licence (ERA5); WeatherBench2 CC-BY-4.0",
        description=(
            "ERA5 regridded to 64x32 by WeatherBench2, 00 UTC of each day, read without an account from public object "
            "storage. Contains modified Copernicus Climate Change Service information."
        ),
        references=("doi:10.1002/qj.3803", "doi:10.1029/2023MS004019"),
    ),
)
_BY_NAME = {entry.name: entry for entry in _ENTRIES}


def dataset(name: str) -> DatasetEntry:
    """The entry of a dataset.

    Raises:
        ConfigurationError: No such dataset.
    """
    try:
        return _BY_NAME[name]
    except KeyError:
        raise ConfigurationError(f"dataset: expected one of {', '.join(_BY_NAME)}, found {name!r}") from None


def dataset_names() -> tuple[str, ...]:
    """Names of every dataset known."""
    return tuple(_BY_NAME)
