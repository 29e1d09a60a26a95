"""The command line, the Prefect flows and their schedules."""
