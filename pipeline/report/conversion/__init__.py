"""Sections about conversion of all pairs."""
