"""Sessions of people who log in to the admin or the browsable API."""

from django.contrib.sessions.models import Session
from django.utils import timezone

PRUNE_BATCH = 5000


def prune_expired_sessions() -> int:
    """Delete a batch of sessions that have expired; returns how many."""
    expired = Session.objects.filter(expire_date__lt=timezone.now())
    batch = expired.order_by("expire_date").values("pk")[:PRUNE_BATCH]
    return Session.objects.filter(pk__in=batch).delete()[0]
