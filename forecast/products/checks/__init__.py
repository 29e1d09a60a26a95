"""Checks of a staged run before it is published."""
