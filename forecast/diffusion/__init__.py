"""Diffusion models: noise levels, preconditioning, losses, schedules and samplers; which network does not matter."""
