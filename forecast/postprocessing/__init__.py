"""Calibration of ensembles at stations, without torch: regression, members again, rolling fits."""
