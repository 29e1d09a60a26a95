"""Combinations of steps, such as scoring a run and publishing it again with its scores."""
