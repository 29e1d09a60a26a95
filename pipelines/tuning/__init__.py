"""Fits settings on validation days: calibration, sampler levels, searches."""
