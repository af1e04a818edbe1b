"""The published mail about a report to a message, and the message to a mail server."""
