"""Row locks, SQL and shared reads: how the rules get their input, and how outcomes are stored."""
