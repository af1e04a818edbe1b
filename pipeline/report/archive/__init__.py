"""Pages and sections: earlier reports."""
