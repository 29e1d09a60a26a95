"""The typed system file. It imports no torch, so that it is read quickly."""
