"""Tables and charts that pages share."""
