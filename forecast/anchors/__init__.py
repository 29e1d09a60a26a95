"""Cheap predictors of the mean of the next state; the network learns only what they miss."""
