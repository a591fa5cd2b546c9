"""How we talk to PostgreSQL: settings, deadlines, and what its errors mean."""
