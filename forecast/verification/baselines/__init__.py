"""Reference forecasts: climatology, persistence and a linear inverse model."""
