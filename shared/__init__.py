"""Code that both services use. It depends on neither of them."""
