"""Small data bundled with the package; README.md in this folder describes it."""

from pathlib import Path

DIRECTORY = Path(__file__).parent
NATURAL_EARTH = DIRECTORY / "natural_earth"
"""Natural Earth 110 m in Cartopy's own layout, for `cartopy.config["pre_existing_data_dir"]`."""
SPEEDY_SAMPLE = DIRECTORY / "speedy_2008_00utc.nc"
"""Simulated weather of one year, daily at 00 UTC."""
SPEEDY_MSL_CORRECTION = DIRECTORY / "speedy_msl_correction.npy"
"""What is added to the sea level pressure of SPEEDY, Pa, 32x64: its mean state rings over steep terrain."""
