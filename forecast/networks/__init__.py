"""Denoiser networks: tensors in, tensors out. They know the sphere, and neither diffusion nor system files."""
