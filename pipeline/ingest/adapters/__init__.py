"""Records of an export become rows of ours: the parts that formats are made of."""
