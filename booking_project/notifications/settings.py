"""The settings of mail, read from the environment and checked at start, not when the first mail
fails."""

from email.utils import parseaddr
from typing import Any

from booking_project.notifications.addresses import is_address
from shared.conf.env import Environment, Range, Regexp, ValidationError

SMTP_BACKEND = "booking_project.notifications.smtp.EmailBackend"

_SCHEMES = Regexp(
    r"console:|file:///.|(smtp|submission)://[^/]",
    error="It must begin with console:, file:///, smtp:// or submission://.",
)


def read_mail(env: Environment) -> dict[str, Any]:
    """Django's mail settings.

    From `EMAIL_URL` (EMAIL_BACKEND, EMAIL_HOST and the rest), `EMAIL_TIMEOUT` and
    `DEFAULT_FROM_EMAIL`.
    """
    # A bad variable is reported when the environment is sealed; until then it is None.
    mail = (
        env.mail_url(
            "EMAIL_URL",
            "console:",
            validate=_SCHEMES,
            help="Where mails go: `console:` (printed), `smtp://user:password@host:25` (with "
            "`?tls=true` or `?ssl=true`), `submission://user:password@host:587` (TLS), or "
            "`file:////folder` (four slashes: from the root).",
        )
        or {}
    )
    if mail.get("EMAIL_BACKEND") == "django.core.mail.backends.smtp.EmailBackend":
        mail["EMAIL_BACKEND"] = SMTP_BACKEND
    timeout = env.int(
        "EMAIL_TIMEOUT",
        10,
        validate=Range(min=1, max=60),
        help="How long each step with the mail server may take, in seconds.",
    )
    sender = env.str(
        "DEFAULT_FROM_EMAIL",
        "Bookings <bookings@localhost>",
        validate=_sender,
        help="The sender of mails.",
    )
    return {**mail, "EMAIL_TIMEOUT": timeout, "DEFAULT_FROM_EMAIL": sender}


def read_address_pattern(env: Environment) -> str:
    return env.str(
        "NOTIFICATION_ADDRESS",
        "{user_id}@localhost",
        validate=_address_pattern,
        help="The mail address of a user whose id isn't one.",
    )


def _sender(text: str) -> None:
    """`bookings@example.com` or `Bookings <bookings@example.com>`."""
    if not is_address(parseaddr(text)[1]) or "\n" in text or "\r" in text:
        raise ValidationError(f"{text!r} is not a mail address.")


def _address_pattern(text: str) -> None:
    """A mail address with `{user_id}` in it."""
    if "{user_id}" not in text or not is_address(text.replace("{user_id}", "ann")):
        raise ValidationError(f"{text!r} is not a mail address with {{user_id}} in it.")
