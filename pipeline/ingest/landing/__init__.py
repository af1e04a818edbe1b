"""Load rows into the landing log: classify them, run the freshness, volume and completeness checks, write each row once."""
