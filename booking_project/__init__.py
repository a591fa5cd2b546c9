"""The booking service: users book seats, wait in line and get promoted here."""
