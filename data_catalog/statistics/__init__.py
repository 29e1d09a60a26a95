"""Statistics of analyses: climatology, EOFs and spherical harmonics."""
