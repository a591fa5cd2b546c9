"""How to address the people who booked on the guests' pages: their names and languages."""
