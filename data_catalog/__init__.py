"""The data: catalogue, sources, checked archive and statistics."""
