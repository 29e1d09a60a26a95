"""What is computed from analyses: climatology, EOFs, spherical harmonics, regridding."""
