"""What is computed from analyses: climatology, EOFs and spherical harmonics."""
