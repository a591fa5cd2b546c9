"""The pages. What they decide on, `bookings` decides."""
