"""Makes the run of one cycle: forecast, products, page and publication."""
