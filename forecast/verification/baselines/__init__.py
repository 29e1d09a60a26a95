"""Reference forecasts: climatology, persistence, a linear inverse model and analogues."""
