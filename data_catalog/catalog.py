"""Datasets by name: where each comes from, what it holds, and under which licence."""

from datetime import date
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from data_catalog.errors import ConfigurationError
from data_catalog.layout.variables import channel

_TEN_CHANNELS = ("z500", "t850", "u850", "v850", "u250", "v250", "q850", "msl", "t2m", "tp24")


class GridAxes(BaseModel):
    """The points of a regular grid: first, last and count along each axis, in degrees, ascending."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    latitude: tuple[float, float, int]
    longitude: tuple[float, float, int]

    def coordinates(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return latitudes and longitudes in degrees."""
        return np.linspace(*self.latitude), np.linspace(*self.longitude)


class DatasetEntry(BaseModel):
    """One dataset of the catalogue."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    title: str
    source: Literal["files", "weatherbench2", "arco-era5", "bundled"]
    """Kind of source; each has one adapter in `data_catalog.sources`."""
    location: str | None = None
    """Path or URL; None if the user must give one, or if the data is bundled."""
    channels: tuple[str, ...] = Field(min_length=1)
    static: tuple[str, ...] = ()
    grid: GridAxes | None = None
    """Grid of the dataset, if all sources of it share one."""
    step_hours: int = Field(gt=0)
    """Hours between times. The archive keeps the times of a finer source, unless the source is remote."""
    period_start: date
    period_end: date | None = None
    licence: str
    simulated: bool = False
    """Whether this is simulated rather than real weather; every product made from it must say so."""
    description: str
    references: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _known_channels(self) -> "DatasetEntry":
        for name in self.channels + self.static:
            channel(name)
        return self

    @property
    def has_source(self) -> bool:
        """Whether the data can be read without a location given by the user."""
        return self.source == "bundled" or self.location is not None

    @property
    def is_remote(self) -> bool:
        """Whether the data is fetched over a network, so that nothing should be fetched twice."""
        return self.source in ("weatherbench2", "arco-era5")


_ENTRIES = (
    DatasetEntry(
        name="speedy-5p6",
        title="Simulated weather (SPEEDY) at 5.625 degrees",
        source="bundled",
        channels=_TEN_CHANNELS,
        static=("orography", "lsm"),
        step_hours=24,
        period_start=date(2001, 1, 1),
        grid=GridAxes(latitude=(-87.1875, 87.1875, 32), longitude=(0.0, 354.375, 64)),
        period_end=date(2008, 12, 31),
        licence="Apache-2.0",
        simulated=True,
        description=(
            "A nature run of the general circulation model SPEEDY (jcm 3.0.0, T31, 8 levels) with a climatological sea "
            "surface, regridded to 32x64. Simulated, not observed: more predictable than the atmosphere. The package "
            "ships the 00 UTC fields of 2008; more years come from files of one's own."
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
        grid=GridAxes(latitude=(30.0, 70.0, 17), longitude=(-70.0, 10.0, 33)),
        period_end=date(2010, 12, 31),
        licence="public domain (NOAA); the converted file LGPL-3.0",
        description=(
            "Daily-mean sea-level pressure of the NCEP/NCAR Reanalysis 1 on its 2.5 degree grid, 30-70N 70W-10E, read "
            "from one NetCDF file or a directory of yearly files."
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
        grid=GridAxes(latitude=(-87.1875, 87.1875, 32), longitude=(0.0, 354.375, 64)),
        period_start=date(1979, 1, 1),
        period_end=date(2023, 1, 10),
        licence="Copernicus licence (ERA5); WeatherBench2 CC-BY-4.0",
        description=(
            "ERA5 regridded to 64x32 by WeatherBench2, 00 UTC of each day, read without an account from public object "
            "storage. Contains modified Copernicus Climate Change Service information."
        ),
        references=("doi:10.1002/qj.3803", "doi:10.1029/2023MS004019"),
    ),
    DatasetEntry(
        name="era5-1p5",
        title="ERA5 at 1.5 degrees (WeatherBench2)",
        source="weatherbench2",
        location=(
            "gs://weatherbench2/datasets/era5/1959-2023_01_10-6h-240x121_equiangular_with_poles_conservative.zarr"
        ),
        channels=_TEN_CHANNELS,
        static=("orography", "lsm"),
        step_hours=24,
        grid=GridAxes(latitude=(-90.0, 90.0, 121), longitude=(0.0, 358.5, 240)),
        period_start=date(1979, 1, 1),
        period_end=date(2023, 1, 10),
        licence="Copernicus licence (ERA5); WeatherBench2 CC-BY-4.0",
        description=(
            "ERA5 regridded to 240x121 by WeatherBench2, with points on the poles, 00 UTC of each day, read without an "
            "account from public object storage. Contains modified Copernicus Climate Change Service information."
        ),
        references=("doi:10.1002/qj.3803", "doi:10.1029/2023MS004019"),
    ),
    DatasetEntry(
        name="era5-0p25",
        title="ERA5 at 0.25 degrees (ARCO-ERA5)",
        source="arco-era5",
        location="gs://gcp-public-data-arco-era5/ar/full_37-1h-0p25deg-chunk-1.zarr-v3",
        channels=("z500", "t850", "u850", "v850", "u250", "v250", "q850", "msl", "t2m", "u10", "v10"),
        static=("orography", "lsm"),
        step_hours=24,
        grid=GridAxes(latitude=(-90.0, 90.0, 721), longitude=(0.0, 359.75, 1440)),
        period_start=date(1979, 1, 1),
        licence="Copernicus licence (ERA5)",
        description=(
            "ERA5 at its full resolution from Google's analysis-ready store, 00 UTC of each day up to the last that is "
            "final (no preliminary ERA5T), read without an account. A chunk of the store holds all levels of one hour: "
            "each day costs about half a gigabyte of transfer. Precipitation is left out: the store has hourly sums. "
            "Contains modified Copernicus Climate Change Service information."
        ),
        references=("doi:10.1002/qj.3803", "https://github.com/google-research/arco-era5"),
    ),
)
_BY_NAME = {entry.name: entry for entry in _ENTRIES}


def dataset(name: str) -> DatasetEntry:
    """Return the catalogue entry of a dataset.

    Args:
        name: Name of the dataset, such as `era5-5p6`.

    Raises:
        ConfigurationError: There is no such dataset.
    """
    try:
        return _BY_NAME[name]
    except KeyError:
        raise ConfigurationError(f"dataset: expected one of {', '.join(_BY_NAME)}, found {name!r}") from None


def dataset_names() -> tuple[str, ...]:
    """Return the names of all known datasets."""
    return tuple(_BY_NAME)
