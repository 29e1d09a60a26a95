"""Analyses as tensors: standardisation, conditions, starts, reflection at the equator."""
