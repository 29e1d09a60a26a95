"""Prefect flows; they pass paths, never arrays."""
