"""Errors that end a devstack command."""


class DevstackError(Exception):
    """One sentence for the user: what is wrong and what to do."""


class Interrupted(BaseException):
    """Ctrl-C, SIGTERM or a closed terminal. Not an error, so `except Exception` lets it pass."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number
