"""Django's PostgreSQL backend, on connections with bounded waits."""
