"""How the catalogue writes to disk: files that appear whole or not at all, and locks."""
