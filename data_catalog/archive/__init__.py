"""The checked, analysis-ready local copy of a dataset, in Zarr."""
