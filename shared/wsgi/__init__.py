"""What stands between gunicorn and Django."""
