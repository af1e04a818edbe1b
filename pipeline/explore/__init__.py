"""The published file, read-only: queries, the life of a lead, and the Python interface."""
