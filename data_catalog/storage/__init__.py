"""What every room stores with: atomic, durable files and locks, on disk; patience with object stores."""
