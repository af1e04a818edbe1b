"""The page of a stage."""
