"""Rows of report.* to one page: figures read, pages arrange, templates print."""
