"""Corrections of a trained model's spread, and how they are fitted."""
