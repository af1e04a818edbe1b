"""Read-only access to the published file: queries, the history of a lead, and the Python interface."""
