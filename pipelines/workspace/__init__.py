"""Where things are: the home directory, systems, checkpoints, analyses, devices."""
