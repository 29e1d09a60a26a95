"""The page of a run: one HTML file with its maps, plumes and scores."""
