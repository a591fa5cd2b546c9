"""Why a mail was not sent. Each class says which mails are affected."""


class NotSent(Exception):
    """The server has not accepted the mail, as far as we know."""


class Undeliverable(NotSent):
    """No such address, or refused for good: no retry will get this mail through."""


class NotNow(NotSent):
    """The mail server is reachable, but doesn't accept this mail now. It may accept others."""


class MailServerUnavailable(NotSent):
    """The mail server can't be reached, or accepts none of our mail now."""


class NotTried(NotSent):
    """The other mails took too long to begin with this one."""
