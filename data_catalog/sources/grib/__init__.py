"""GRIB 1 and 2: fields found by their headers, arranged along starts, lead times and members, read one at a time."""
