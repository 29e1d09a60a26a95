"""What data exists and in what shape."""
