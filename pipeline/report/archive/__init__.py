"""The archive of earlier runs."""
