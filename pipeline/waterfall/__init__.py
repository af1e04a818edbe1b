"""The definition of a waterfall: stages, pairs, working calendar and time zones."""
