"""The index page."""
