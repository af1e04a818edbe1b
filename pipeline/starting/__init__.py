"""From files to a first configuration: what their columns are, which stages there are, and what remains to be decided."""
