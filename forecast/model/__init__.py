"""One lead step of a forecast as a PyTorch module."""
