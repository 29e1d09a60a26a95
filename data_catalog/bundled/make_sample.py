"""Make the bundled sample of simulated weather: the 00 UTC fields of one year of the SPEEDY nature run.

    python -m data_catalog.bundled.make_sample SPEEDY_YEAR.nc OUTPUT.nc

Values are copied bit for bit; the source already keeps only 6 to 13 mantissa bits of each, which zlib turns into size.
"""

import argparse
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np

_TIMES_PER_CHUNK = 61
_TITLE = "SIMULATED weather, not observations: SPEEDY nature run, 00 UTC fields of one year"
_COMMENT = (
    "Simulated by the general circulation model SPEEDY (jcm 3.0.0, spectral T31, 8 levels) with a climatological sea "
    "surface. It has weather and seasons but no year-to-year forcing and no diurnal cycle, and is more predictable "
    "than the atmosphere: skill here is not skill on real weather."
)


def make_sample(source_path: Path, sample_path: Path) -> None:
    """Copy the 00 UTC fields and the static fields of a year into a small NetCDF file.

    Args:
        source_path: NetCDF file of a year.
        sample_path: NetCDF file to write.
    """
    with netCDF4.Dataset(source_path) as source, netCDF4.Dataset(sample_path, "w") as sample:
        for dataset in (source, sample):
            dataset.set_auto_maskandscale(False)
        times = source["time"]
        at_midnight = np.flatnonzero(np.asarray(times[:]) % 24 == 0)
        assert times.units.startswith("hours since")
        assert times.units.endswith("00:00:00")
        sample.setncatts(sample_attributes(source))
        for name, size in (("time", len(at_midnight)), ("latitude", None), ("longitude", None)):
            sample.createDimension(name, size or source.dimensions[name].size)
        for name, variable in source.variables.items():
            _copy(variable, sample, name, at_midnight)


def sample_attributes(source: netCDF4.Dataset) -> dict[str, str]:
    """Global attributes of the sample, from those of the year that it is cut from.

    Args:
        source: Open file of the year.
    """
    return {
        "Conventions": "CF-1.11",
        "title": _TITLE,
        "source": source.source,
        "comment": _COMMENT,
        "license": "Apache-2.0 (as the model that made it, jcm)",
        "history": f"{source.history}; 00 UTC fields copied bit for bit by data_catalog/bundled/make_sample.py",
    }


def _copy(variable: "netCDF4.Variable[Any]", sample: netCDF4.Dataset, name: str, times: np.ndarray) -> None:
    timed = "time" in variable.dimensions
    values = variable[times] if timed else variable[:]
    chunks = (min(_TIMES_PER_CHUNK, len(times)), *values.shape[1:]) if timed else values.shape
    copy = sample.createVariable(
        name, variable.dtype, variable.dimensions, zlib=True, complevel=9, shuffle=True, chunksizes=chunks
    )
    copy.setncatts({key: variable.getncattr(key) for key in variable.ncattrs()})
    copy[:] = values


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path, help="year of the nature run, NetCDF")
    parser.add_argument("sample", type=Path, help="file to write")
    arguments = parser.parse_args()
    make_sample(arguments.source, arguments.sample)
