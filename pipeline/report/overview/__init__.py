"""Pages and sections: the first page."""
