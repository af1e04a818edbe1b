"""Pages and sections: one pair of stages."""
