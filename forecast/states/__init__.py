"""Analyses as tensors: standardised states, conditions of a step, starts, reflection at the equator."""
