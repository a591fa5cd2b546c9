"""How much hardware a sale needs, from what was measured on one machine."""
