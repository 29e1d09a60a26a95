"""NetCDF, Zarr, derived fields, plots and pages of a forecast; needs no torch."""
