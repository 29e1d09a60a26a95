"""Print one line with the packages that a GPU sprint needs and this machine lacks; status 1 if there are any."""

import importlib.util
import sys

NEEDED = {
    "torch": "torch",
    "numpy": "numpy",
    "xarray": "xarray",
    "pandas": "pandas",
    "dask": "dask",
    "zarr": "zarr",
    "numcodecs": "numcodecs",
    "fsspec": "fsspec",
    "obstore": "obstore",
    "netCDF4": "netCDF4",
    "cftime": "cftime",
    "cf_units": "cf-units",
    "scipy": "scipy",
    "numba": "numba",
    "pydantic": "pydantic",
    "safetensors": "safetensors",
    "jaxtyping": "jaxtyping",
    "google_crc32c": "google-crc32c",
    "packaging": "packaging",
    "pytest": "pytest",
}
"""Modules, and the distributions that bring them."""


def missing() -> list[str]:
    """Return the distributions whose modules are not installed."""
    return [distribution for module, distribution in NEEDED.items() if importlib.util.find_spec(module) is None]


if __name__ == "__main__":
    if absent := missing():
        print(f"missing packages: {' '.join(absent)}; bring them with infra/gpu/bundle.sh --wheels")
        sys.exit(1)
