"""Static files of the pages: collected once, compressed, and named after their content."""
