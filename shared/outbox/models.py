import uuid

from django.db import models
from django.db.models.functions import Now


class OutboxEntry(models.Model):
    """Messages that one transaction sends to one exchange. Pending while `published_at` and
    `set_aside_at` are null.

    `messages` holds `size` lines; `lines.py` says what is in a line. If the messages fare
    differently, the entry is split. A message that can't be published is set aside in an entry of
    its own, with the `failure`, so that those behind it go on. If `unroutable_since` is set, no
    queue has taken one of the messages since then.

    Where tables are distributed, the entry is on the node of its `distribution_key`, like all else
    that its transaction wrote.

    Messages with the same ordering key leave in the order of their entries' ids. This is the order
    of the changes they report if transactions that add messages lock what the messages are about.
    """

    distribution_key = models.BigIntegerField(default=0, db_default=0)
    exchange = models.CharField(max_length=255)
    size = models.PositiveIntegerField()
    messages = models.TextField()
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    published_at = models.DateTimeField(null=True, blank=True)
    unroutable_since = models.DateTimeField(null=True, blank=True)
    set_aside_at = models.DateTimeField(null=True, blank=True)
    failure = models.TextField(default="", db_default="", blank=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["id"],
                condition=models.Q(published_at__isnull=True, set_aside_at__isnull=True),
                name="outbox_entry_pending",
            ),
            models.Index(
                fields=["published_at"],
                condition=models.Q(published_at__isnull=False),
                name="outbox_entry_published",
            ),
            models.Index(
                fields=["id"],
                condition=models.Q(set_aside_at__isnull=False),
                name="outbox_entry_set_aside",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.size} messages to {self.exchange}"


class OutboxMessage(models.Model):
    """The earlier form, with a row for each message. Only processes that still run the earlier
    code write it, during an upgrade.

    `sql.lock_and_read_pending` makes entries of its pending rows. Both tables take their ids from
    one sequence, so that the order holds across them.
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
