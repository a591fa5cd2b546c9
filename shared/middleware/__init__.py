"""Django middleware of both services."""
