"""The terminal: exit status, progress, output, times, processes."""
