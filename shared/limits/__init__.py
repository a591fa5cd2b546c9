"""How often a caller may write or search. None of this runs if no limit is set."""
