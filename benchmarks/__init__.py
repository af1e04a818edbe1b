"""Speed benchmarks: generated histories, reference implementations, and one command that measures."""
