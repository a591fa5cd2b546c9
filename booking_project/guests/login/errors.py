class LoginUnavailable(Exception):
    """The issuer doesn't answer, or not as an issuer does."""


class LoginRefused(Exception):
    """The issuer lets nobody in, or what it says can't be trusted."""
