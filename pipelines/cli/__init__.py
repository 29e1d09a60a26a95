"""The commands of `plumecast`."""
