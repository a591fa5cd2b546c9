"""WSGI wrappers between gunicorn and Django."""
