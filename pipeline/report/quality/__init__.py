"""Pages and sections: data quality and definitions."""
