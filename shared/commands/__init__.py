"""What management commands have in common: entry, shutdown, backoff."""
