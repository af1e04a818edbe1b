"""The output folder: its lock, run folders, run records, and the published database."""
