"""Many ensemble statistics in one compiled pass over the members."""
