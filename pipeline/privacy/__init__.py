"""Personal data: pseudonyms, and files that only their owner reads."""
