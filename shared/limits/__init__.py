"""How often a caller may write. Nothing of it runs where no limit is set."""
