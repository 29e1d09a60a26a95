"""One cycle: forecast, products, pages and publication."""
