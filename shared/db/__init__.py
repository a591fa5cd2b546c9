"""Everything about our way to PostgreSQL: settings, deadlines, and what its errors mean."""
