"""Row locks, SQL and shared reads: how the rules get what they decide on, and where it is kept."""
