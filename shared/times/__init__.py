"""Times in the admin: shown in the browser's zone, with its name, and read as they are shown."""
