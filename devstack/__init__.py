"""Every part of the system on one machine, without Docker. For development and tests only."""
