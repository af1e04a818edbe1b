"""Load input files into the landing log: bind columns by name, type the values, account for every line."""
