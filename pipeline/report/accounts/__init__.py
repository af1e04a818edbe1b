"""Pages and sections: coverage of accounts, personas, paths."""
