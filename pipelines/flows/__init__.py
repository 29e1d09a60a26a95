"""Prefect flows and schedules."""
