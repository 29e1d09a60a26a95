"""What an outcome of an ensemble hangs on: gradients through its rollout, their check, and shares of its variance."""
