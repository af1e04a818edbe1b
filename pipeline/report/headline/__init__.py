"""Pages and sections: the headline pair."""
