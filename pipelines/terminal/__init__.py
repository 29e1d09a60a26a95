"""What the user of a terminal meets: exit status, progress, output, times, processes."""
