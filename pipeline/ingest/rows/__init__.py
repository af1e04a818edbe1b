"""Rows with types: the columns of each table, ids, times, names of stages."""
