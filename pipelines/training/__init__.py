"""Training of a system, its baselines and its costs."""
