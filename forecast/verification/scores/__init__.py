"""Scores as plain functions of DataArrays."""
