"""The order of the steps of a run, what must hold between them, and the other commands that need the output folder."""
