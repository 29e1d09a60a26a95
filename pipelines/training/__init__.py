"""Trains a system, fits its baselines and computes its costs."""
