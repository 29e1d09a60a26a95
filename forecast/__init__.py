"""From an analysis to members, products and scores."""
