"""What runs it all: the command line, the Prefect flows and their schedules."""
