"""The definition of a waterfall: what a stage is, in which order, and how a run reads the world."""
