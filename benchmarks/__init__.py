"""What the claims of speed rest on: invented histories of any size, yardsticks, and one command that measures."""
