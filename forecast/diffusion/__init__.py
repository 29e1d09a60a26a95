"""Learning a distribution by removing noise: schedules, preconditioning, losses, samplers."""
