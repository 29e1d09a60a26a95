"""Scores of ensembles; xarray in, xarray out; needs no torch."""
