"""Pages and sections: one stage."""
