"""Pack the 00 UTC fields of some years of the nature run for a machine without network.

    python infra/gpu/pack_weather.py FOLDER_OF_YEARS OUTPUT_FOLDER [--largest-mb 60] [--first-year 2001]

Values become 16-bit integers whose step is a fraction of the channel's standard deviation over the year: 1/256, or as
much coarser as the size asks for; the largest error is half a step. Each year is a file of its own, `YEAR.nc`. The test
year 2008 is left out: the training must not see it.
"""

import argparse
import sys
from pathlib import Path

import xarray as xr

YEARS = range(2001, 2008)
STEPS = (1 / 256, 1 / 128, 1 / 64, 1 / 32)
"""Of a standard deviation, finest first."""
_DEEPEST, _FILL = 65_000, -32_768


def midnights(folder: Path, first: int = YEARS[0]) -> dict[int, xr.Dataset]:
    """Return the 00 UTC fields of the training years in a folder's NetCDF files, in memory.

    Args:
        folder: Folder with a file for each year, whose name ends in `YEAR.nc`.
        first: Years before this one are left out.
    """
    found = {}
    for year in range(first, YEARS.stop):
        for path in sorted(folder.glob(f"*{year}.nc"))[:1]:
            with xr.open_dataset(path, engine="netcdf4") as opened:
                found[year] = opened.isel(time=opened["time"].dt.hour.values == 0).load()
    return found


def encoding(weather: xr.Dataset, step: float) -> dict[str, dict[str, object]]:
    """Return how each variable is written; static fields stay as they are.

    Args:
        weather: Fields of a year.
        step: Step of the integers, in standard deviations; coarser for a channel whose range asks for it.
    """
    result: dict[str, dict[str, object]] = {}
    for name, values in weather.data_vars.items():
        result[str(name)] = {"zlib": True, "complevel": 6, "shuffle": True}
        if "time" in values.dims:
            low, high = float(values.min()), float(values.max())
            scale = max(step * float((values - values.mean("time")).std()), (high - low) / _DEEPEST, 1e-30)
            offset = round((high + low) / 2 / scale) * scale  # a multiple of the step, so that zero rain stays zero
            packed = {"dtype": "int16", "scale_factor": scale, "add_offset": offset, "_FillValue": _FILL}
            result[str(name)] |= packed
    return result


def pack(years: dict[int, xr.Dataset], output: Path, largest_bytes: float) -> float:
    """Write the years with the finest step that fits the size, and return that step.

    Args:
        years: Fields by year.
        output: Folder for the files.
        largest_bytes: Largest size of all files together.

    Raises:
        ValueError: Not even the coarsest step fits.
    """
    output.mkdir(parents=True, exist_ok=True)
    total = 0
    for step in STEPS:
        total = 0
        for year, weather in years.items():
            path = output / f"{year}.nc"
            weather.drop_encoding().to_netcdf(path, engine="netcdf4", encoding=encoding(weather, step))
            total += path.stat().st_size
            if total > largest_bytes:
                break
        else:
            return step
    raise ValueError(
        f"{output}: expected at most {largest_bytes / 1e6:g} MB, found more with the coarsest step; take fewer years"
    )


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--largest-mb", type=float, default=60.0)
    parser.add_argument("--first-year", type=int, default=YEARS[0])
    options = parser.parse_args()
    years = midnights(options.folder, options.first_year)
    absent = [str(year) for year in range(options.first_year, YEARS.stop) if year not in years]
    if absent:
        wanted = f"years {options.first_year} to 2007 of the nature run"
        print(f"bundle: {options.folder}: expected {wanted}, found no {', '.join(absent)}")
    if not years:
        return 1
    try:
        step = pack(years, options.output, options.largest_mb * 1e6)
    except ValueError as error:
        print(f"bundle: {error}", file=sys.stderr)
        return 2
    size = sum(path.stat().st_size for path in options.output.glob("*.nc")) / 1e6
    print(f"bundle: {len(years)} years, {size:.1f} MB, steps of 1/{1 / step:.0f} of a standard deviation")
    return 0


if __name__ == "__main__":
    sys.exit(main())
