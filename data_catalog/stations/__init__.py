"""Tables of places: ensembles at stations, and what was observed there."""
