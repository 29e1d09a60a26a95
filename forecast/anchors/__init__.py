"""Anchors: cheap predictors of the mean of the next state. The network learns only their errors."""
