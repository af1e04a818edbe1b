"""Pages and sections: owners, SLAs and overdue leads."""
