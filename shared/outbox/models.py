import uuid

from django.db import models
from django.db.models.functions import Now


class OutboxMessage(models.Model):
    """A message on its way to the broker. Pending while `published_at` and `set_aside_at` are null.

    If it can't be published, it is set aside with the `failure`, so that those behind it go on. If
    `unroutable_since` is set, no queue has taken it since then.

    Messages with the same `ordering_key` leave in the order of their ids. This is the order of the
    changes they report if transactions that add messages lock what the messages are about.
    """

    message_id = models.UUIDField(default=uuid.uuid4, editable=False)
    exchange = models.CharField(max_length=255)
    routing_key = models.CharField(max_length=255)
    ordering_key = models.CharField(max_length=255)
    headers = models.JSONField(default=dict)
    body = models.JSONField()
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    published_at = models.DateTimeField(null=True, blank=True)
    unroutable_since = models.DateTimeField(null=True, blank=True)
    set_aside_at = models.DateTimeField(null=True, blank=True)
    failure = models.TextField(default="", db_default="", blank=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["id"],
                condition=models.Q(published_at__isnull=True),
                name="outbox_pending",
            ),
            models.Index(
                fields=["published_at"],
                condition=models.Q(published_at__isnull=False),
                name="outbox_published",
            ),
            models.Index(
                fields=["id"],
                condition=models.Q(set_aside_at__isnull=False),
                name="outbox_set_aside",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.routing_key} {self.message_id}"
