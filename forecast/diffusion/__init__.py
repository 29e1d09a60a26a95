"""Diffusion models: noise levels, preconditioning, losses, schedules and samplers, for any kind of network."""
