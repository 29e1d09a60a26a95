"""The grid, spherical harmonics, and noise that is isotropic on the sphere, as tensors."""
