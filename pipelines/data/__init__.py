"""Datasets brought into archives and listed."""
