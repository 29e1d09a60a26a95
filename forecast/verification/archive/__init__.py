"""The append-only archive of scores."""
