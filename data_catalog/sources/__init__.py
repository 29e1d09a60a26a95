"""One module per kind of source; each opens its data lazily as xarray over Dask."""
