"""Forecasts and scores as figures."""
