"""Pages and sections: what changed against the period before."""
