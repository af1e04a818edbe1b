"""Which files an input has, and what kind of file each is: found, unpacked, scanned, decoded."""
