"""The cards of the headline pairs."""
