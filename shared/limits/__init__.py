"""How often a caller may write or search. Nothing of it runs where no limit is set."""
