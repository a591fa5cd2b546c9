"""Times on pages: the admin's in the browser's zone, the guests' in the words of their language."""
