"""The folder sql/ read, ordered, built, checked and published."""
