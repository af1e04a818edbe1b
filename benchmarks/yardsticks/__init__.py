"""What the product is measured against: bare work on the same rows, and the core job by hand in other tools."""
