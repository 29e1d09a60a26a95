"""Forecasts scored: evaluation, verification and scorecards."""
