"""Finds things: the home directory, systems, checkpoints, analyses, devices."""
