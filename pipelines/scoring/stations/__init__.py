"""Forecasts at stations: verified, and calibrated."""
