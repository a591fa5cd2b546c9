import uuid

from django.db import models
from django.db.models.functions import Now


class OutboxMessage(models.Model):
    """A message on its way to the broker. Pending while `published_at` is null.

    Full-state messages may leave in any order and more than once: receivers go by their version.
    """

    message_id = models.UUIDField(default=uuid.uuid4, editable=False, unique=True)
    exchange = models.CharField(max_length=255)
    routing_key = models.CharField(max_length=255)
    body = models.JSONField()
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    published_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["id"],
                condition=models.Q(published_at__isnull=True),
                name="outbox_pending",
            )
        ]

    def __str__(self) -> str:
        return f"{self.routing_key} {self.message_id}"
