"""Settings fitted on validation days: calibration, sampler levels, searches."""
