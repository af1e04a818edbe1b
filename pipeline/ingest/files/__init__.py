"""Find, unpack, scan and decode the files of an input."""
