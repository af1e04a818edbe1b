"""Turn records of an export into rows of the input tables: the building blocks of formats."""
