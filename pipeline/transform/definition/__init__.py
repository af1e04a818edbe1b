"""Writes the definition of a waterfall as tables of schema `waterfall`."""
