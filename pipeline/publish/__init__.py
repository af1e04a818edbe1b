"""The output folder: its lock, the folders of runs, the records of runs, and the database as it was published."""
