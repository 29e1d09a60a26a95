"""The typed system file; imports no torch."""
