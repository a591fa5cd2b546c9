"""Whether this process has been told to end. It still answers what it has accepted."""

import threading

# Set once, never cleared.
draining = threading.Event()
