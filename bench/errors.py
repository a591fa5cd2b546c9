class BenchError(Exception):
    """One sentence for the person at the keyboard: why there are no figures."""
