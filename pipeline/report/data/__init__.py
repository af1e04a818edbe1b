"""The page of data files, and the report tables."""
