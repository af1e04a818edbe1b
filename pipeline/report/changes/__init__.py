"""Sections about changes against the previous month."""
