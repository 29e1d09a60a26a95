"""Whether members look and behave like the weather: measures, limits and gates."""
