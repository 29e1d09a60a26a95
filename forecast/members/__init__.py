"""Ensemble members: which, from which noise, through the lead times."""
