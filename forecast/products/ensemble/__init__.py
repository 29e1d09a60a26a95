"""Products of an ensemble: functions of xarray fields, lazy where Dask is inside."""
