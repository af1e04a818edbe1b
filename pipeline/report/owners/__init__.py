"""SLA results by stage, month and owner."""
