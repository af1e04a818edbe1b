"""The data-quality page and the definitions."""
