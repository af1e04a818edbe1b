"""What the report tells its readers to do now."""
