"""Reads the models of sql/, and builds and checks their tables, in full or incrementally."""
