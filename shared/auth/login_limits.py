"""How many wrong passwords are allowed, and from where. django-axes counts them in the database."""

from typing import Any

from axes.handlers.database import AxesDatabaseHandler
from django.db.models import Sum
from django.http import HttpRequest

# In the order of AXES_LOCKOUT_PARAMETERS. The limit per account alone is high: anyone could use a
# low one to lock its owner out.
FAILURES_OF_ACCOUNT_AND_NETWORK = 5
FAILURES_OF_NETWORK = 20
FAILURES_OF_ACCOUNT = 100
_LIMITS = (FAILURES_OF_ACCOUNT_AND_NETWORK, FAILURES_OF_NETWORK, FAILURES_OF_ACCOUNT)


class LoginLimits(AxesDatabaseHandler):  # type: ignore[misc]  # axes has no types
    """A limit for each of AXES_LOCKOUT_PARAMETERS; axes itself has one for all of them."""

    def get_failures(self, request: HttpRequest, credentials: dict[str, Any] | None = None) -> int:
        """How many of the limits are reached. One is enough: AXES_FAILURE_LIMIT is 1."""
        found = self.get_user_attempts(request, credentials)
        counts = [
            attempts.aggregate(total=Sum("failures_since_start"))["total"] or 0
            for attempts in found
        ]
        return sum(count >= limit for count, limit in zip(counts, _LIMITS, strict=True))

    def reset_user_attempts(
        self, request: HttpRequest, credentials: dict[str, Any] | None = None
    ) -> int:
        """After a login, forget only this account's failures from this network. Otherwise one
        account would be enough to guess the passwords of others forever."""
        of_account_and_network, *_ = self.filter_user_attempts(request, credentials)
        deleted, _ = of_account_and_network.delete()
        return int(deleted)
