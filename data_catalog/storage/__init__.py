"""Writes to disk: atomic, durable files and locks."""
