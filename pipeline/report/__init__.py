"""The static report: queries read rows, sections build tables and charts, templates print HTML."""
