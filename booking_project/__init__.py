"""The booking service: users book seats, wait in line and are promoted here."""
