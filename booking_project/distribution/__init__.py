"""Makes of a plain database one that is distributed by event over the nodes of a Citus cluster."""
