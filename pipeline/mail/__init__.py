"""Composes the mail about a published report, and sends it to a mail server."""
