"""Ingests datasets into archives, and lists them."""
