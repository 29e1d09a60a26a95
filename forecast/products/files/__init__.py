"""Forecasts as files: CF NetCDF, Zarr, derived products, run directories and manifests."""
