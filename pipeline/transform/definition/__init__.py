"""The definition of a waterfall as tables of the schema `waterfall`."""
