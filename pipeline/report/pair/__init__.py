"""The page of a headline pair."""
