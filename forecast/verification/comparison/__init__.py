"""Whether one forecast is better than another, and how surely."""
