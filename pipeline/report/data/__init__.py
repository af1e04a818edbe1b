"""Pages and sections: downloads and tables."""
