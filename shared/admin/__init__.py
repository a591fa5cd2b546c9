"""Django admin of both services."""
