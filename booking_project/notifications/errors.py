"""Why a mail was not sent. Each says how far the harm reaches."""


class Undeliverable(Exception):
    """No such address, or refused for good: no retry will get this mail through."""


class NotNow(Exception):
    """The mail server is reachable, but doesn't accept this mail now. It may accept others."""


class MailServerUnavailable(Exception):
    """The mail server can't be reached, or accepts none of our mail now."""
