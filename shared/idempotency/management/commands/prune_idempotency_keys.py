"""Frees space at once. The relay does the same every minute."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from shared.idempotency.services import prune


class Command(BaseCommand):
    help = "Delete idempotency keys older than IDEMPOTENCY_RETENTION, in batches."

    def handle(self, *args: Any, **options: Any) -> None:
        deleted = 0
        while batch := prune(older_than=settings.IDEMPOTENCY_RETENTION):
            deleted += batch
        self.stdout.write(f"deleted {deleted} keys")
