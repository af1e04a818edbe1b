"""Rows into the landing log, written once: what is new, what was loaded already, what may not count."""
