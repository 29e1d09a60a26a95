"""Adapters for sources of data, one module for each kind of source."""
