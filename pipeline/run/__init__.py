"""The steps of a run, the requirements between them, and other commands on the output folder."""
