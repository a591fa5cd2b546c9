"""Times in the admin: shown with their zone, in that of the browser, and read as they are shown."""
