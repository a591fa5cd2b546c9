class CannotDistribute(Exception):
    """Why this database can't be distributed, in a sentence."""
