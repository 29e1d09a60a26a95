"""The Copernicus Climate Data Store: what to ask it for, jobs that are waited for, and what comes of them."""
