"""Django's backend for PostgreSQL, on connections that wait for a bounded time."""
