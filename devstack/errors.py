"""What devstack says when it cannot go on."""


class DevstackError(Exception):
    """One sentence for the person at the keyboard: what is wrong and the way out."""


class Interrupted(BaseException):
    """Ctrl-C, SIGTERM or a closed terminal. Not an error, so `except Exception` lets it pass."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number
