"""Reference implementations: a bare scan and sort of the same rows, and the core job in other tools."""
