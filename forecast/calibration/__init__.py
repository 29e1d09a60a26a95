"""Corrections of a trained model's spread: their form, how they are fitted, and the card that stores them."""
