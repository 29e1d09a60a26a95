"""Analyses as tensors: standardised states, what a step is conditioned on, starts, reflection at the equator."""
