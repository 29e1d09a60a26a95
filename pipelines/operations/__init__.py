"""What combines several steps: a run scored, drawn again and published with its scores."""
