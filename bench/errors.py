class BenchError(Exception):
    """One sentence for the user: why there are no figures."""
