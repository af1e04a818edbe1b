"""Models of sql/ become tables: read, ordered, built, checked, and built on from the previous run."""
