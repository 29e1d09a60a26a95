"""The grid, spherical harmonics and noise on the sphere, as tensors."""
