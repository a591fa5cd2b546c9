"""Long-running commands, and how to tell whether they work."""
