"""The door for other people's data: variable table, units, coordinates, canonical form and checks."""
