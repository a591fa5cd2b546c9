"""What both services are made of. Knows neither of them."""
