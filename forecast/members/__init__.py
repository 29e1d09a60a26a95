"""Ensemble members: their seeds and noise, and their rollout through the lead times."""
